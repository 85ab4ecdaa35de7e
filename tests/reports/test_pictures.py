"""Reports on what is read of a file: which of its streams, how turned, how bright, by what name."""

import struct
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
import pytest
from av.stream import Disposition

from ingest.files.source import FileSource
from runtime.decoding.opencv import cv2
from tests.cameras import jpeg
from tests.media import (
    SIZE,
    Picture,
    VideoSpec,
    number_of,
    numbered_picture,
    steady,
    write_video,
)


def read(path: Path) -> list[Picture]:
    with FileSource(path, fps=None, max_side=640) as source:
        frames = list(source.frames())
    return [np.frombuffer(one.luma, np.uint8).reshape(one.height, one.width) for one in frames]


def numbers_of(pictures: list[Picture]) -> list[int]:
    return [number_of(one.tobytes(), one.shape[1], one.shape[0]) for one in pictures]


UPRIGHT: Final = numbered_picture(0b0001_0010_0101, (192, 96))
STORED: Final = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.T,
    6: np.rot90(UPRIGHT, 1),
    7: UPRIGHT[::-1, ::-1].T,
    8: np.rot90(UPRIGHT, -1),
}
"""The picture as a camera stores it with each value of the EXIF tag Orientation."""


def exif(orientation: int, order: str) -> bytes:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    tag = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    return mark + struct.pack(f"{order}IH", 8, 1) + tag + b"\0\0\0\0"


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])
def test_a_photo_is_turned_and_mirrored_as_its_exif_says(
    tmp_path: Path, orientation: int, order: str
) -> None:
    """BSI-OFIQ/OFIQ-Project#38: many faces of mirrored photos are not found."""
    picture = np.ascontiguousarray(STORED[orientation])
    data = cv2.imencode(".jpg", picture)[1].tobytes()
    tags = b"Exif\0\0" + exif(orientation, order)
    segment = b"\xff\xe1" + struct.pack(">H", len(tags) + 2) + tags
    (tmp_path / "a.jpg").write_bytes(data[:2] + segment + data[2:])
    (found,) = read(tmp_path / "a.jpg")
    assert found.shape == UPRIGHT.shape
    assert float(np.abs(found.astype(int) - UPRIGHT).mean()) < 8


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_thumbnail_is_not_the_video(tmp_path: Path, suffix: str) -> None:
    """mifi/lossless-cut#308 (MP4), zaps166/QMPlay2#841 (a track of its own, before the video)."""
    path = tmp_path / f"a{suffix}"
    with av.open(str(path), "w") as container:
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        container.start_encoding()
        packet = av.Packet(jpeg((64, 48), 200))
        packet.stream, packet.pts, packet.dts, packet.is_keyframe = cover, 0, 0, True
        container.mux(packet)
        for number in range(5):
            pixels = np.repeat(numbered_picture(number)[:, :, None], 3, axis=2)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    assert numbers_of(read(path)) == [*range(5)]


@pytest.mark.parametrize(
    ("pix_fmt", "codec"),
    [("yuv420p", "libx264"), ("yuvj420p", "libx264"), ("yuv420p10le", "libx264"), ("gray", "ffv1")],
)
def test_black_is_black_and_white_is_white(tmp_path: Path, pix_fmt: str, codec: str) -> None:
    """phoboslab/jsmpeg#328: video of the full range looks washed out."""
    levels = (0, 128, 255)

    def even(number: int, size: tuple[int, int]) -> Picture:
        return np.full((size[1], size[0]), levels[number], np.uint8)

    spec = VideoSpec(codec=codec, pix_fmt=pix_fmt, picture=even)
    write_video(tmp_path / "a.mkv", steady(len(levels)), spec)
    found = [one.mean() for one in read(tmp_path / "a.mkv")]
    assert found == pytest.approx(levels, abs=1)


@pytest.mark.parametrize(
    ("report", "name"),
    [
        ("nordlicht/nordlicht#55", "Bildschirmvideo von 13.02.2022 13:19:57.mp4"),
        ("Moonbase59/loudgain#48", "23:50.mp4"),
        ("catchpoint/WebPageTest.visual-metrics#27", "take %03d.mp4"),
        ("nova-video-player/aos-AVP#268", "100%.mp4"),
        ("crunchy-labs/crunchy-cli#303", "concat:a|b.mp4"),
        ("trizen/youtube-viewer#247", "file:c: d?e#f.mp4"),
    ],
)
def test_a_name_is_only_a_name(tmp_path: Path, report: str, name: str) -> None:
    """FFmpeg takes some names for protocols, and others for patterns."""
    write_video(tmp_path / "a.mp4", steady(3), VideoSpec())
    path = (tmp_path / "a.mp4").rename(tmp_path / name)
    assert numbers_of(read(path)) == [0, 1, 2], report
