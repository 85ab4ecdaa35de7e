"""ImageReader: hostile images, a reader process that died, and a rotated photo."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import moodline
from contracts.errors import MoodlineError
from moodline.adapters.image_reader import ImageReader
from runtime.decoding.opencv import cv2

FACES = Path(moodline.__file__).parent / "assets" / "faces"


def png(width: int, height: int, rows: bytes) -> bytes:
    """Return a grey PNG whose header has this size, with any data as its rows."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.fixture(scope="module")
def reader() -> Iterator[ImageReader]:
    reader = ImageReader()
    yield reader
    reader.close()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not an image"),
        (b"<svg onload=alert(1)>", "not an image"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 5000, "cannot be decoded"),
        (b"GIF89a" + b"\xff" * 500, "cannot be decoded|not an image"),
        (b"RIFF\x10\0\0\0WEBPVP8 " + b"\0" * 500, "cannot be decoded"),
    ],
    ids=["empty", "svg", "jpeg", "gif", "webp"],
)
def test_a_hostile_image_is_an_error_and_the_next_image_is_read(
    reader: ImageReader, data: bytes, said: str
) -> None:
    assert_refused(reader, data, said)


@pytest.mark.parametrize(
    ("width", "height", "zeros"),
    [(100_000, 100, 0), (100_000, 100_000, 1000), (11_000, 11_000, 50_000_000)],
    ids=["wide", "bomb", "large"],
)
def test_an_image_of_too_many_pixels_is_an_error_and_the_next_image_is_read(
    reader: ImageReader, width: int, height: int, zeros: int
) -> None:
    data = png(width, height, bytes(zeros))
    assert_refused(reader, data, "cannot be decoded.*40 million")


def assert_refused(reader: ImageReader, data: bytes, said: str) -> None:
    with pytest.raises(MoodlineError, match=said):
        reader.read(data)
    happy = reader.read((FACES / "a-happy.png").read_bytes())
    assert happy.faces[0].label == "happy", "the next image is read"
    assert reader._process is not None
    assert psutil.Process(reader._process.pid).memory_info().rss < 900e6


def test_a_reader_process_that_died_is_restarted(reader: ImageReader) -> None:
    happy = (FACES / "a-happy.png").read_bytes()
    reader.read(happy)
    assert reader._process is not None
    reader._process.kill()
    reader._process.wait()
    assert reader.read(happy).faces


def test_a_rotated_photo_is_read_upright(reader: ImageReader) -> None:
    face = cv2.imread(str(FACES / "a-happy.png"), cv2.IMREAD_GRAYSCALE)
    turned = cv2.rotate(face, cv2.ROTATE_90_COUNTERCLOCKWISE)
    _, jpeg = cv2.imencode(".jpg", turned)
    data = jpeg.tobytes()
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    marked = data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
    assert [one.label for one in reader.read(marked).faces] == ["happy"]
