"""The pages Sources and Try an image over a real `moodline up`, a camera and hostile images."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

import moodline
from contracts.errors import MoodlineError
from moodline.adapters.image_reader import ImageReader
from tests.e2e.commands import Installation
from tests.e2e.live_stack import LiveStack
from tests.pages import quiet_page
from tests.rtsp import RtspCamera, free_ports

FACES = Path(moodline.__file__).parent / "assets" / "faces"


@pytest.fixture
def stack(installation: Installation, tmp_path: Path) -> Iterator[LiveStack]:
    installation.env = {"MOODLINE_SOURCE_HOSTS": "127.0.0.1"}
    with LiveStack(installation, tmp_path / "up.log", port=free_ports(1)[0]) as one:
        one.wait_for_dashboard()
        yield one


@pytest.fixture
def page(browser: Browser, stack: LiveStack) -> Iterator[Page]:
    with browser.new_context() as viewer, viewer.new_page() as one:
        one.set_default_timeout(60_000)
        yield one


def test_a_camera_is_added_tested_edited_paused_and_removed(
    page: Page, stack: LiveStack, long_clip: Path, tmp_path: Path
) -> None:
    with RtspCamera(long_clip.parent, tmp_path / "rtsp.log") as camera:
        page.goto(f"{stack.address}now")
        page.get_by_role("link", name="Add a camera").click()
        page.get_by_label("Name").fill("door")
        for refused in ("file:///etc/passwd", "http://169.254.169.254/latest/meta-data"):
            page.get_by_label("Address").fill(refused)
            page.get_by_role("button", name="Add it").click()
            expect(page.locator(".source-form .trouble")).not_to_be_empty()
        page.get_by_label("Address").fill(camera.url(long_clip.name, "me:s3cret@"))
        page.get_by_role("button", name="Test").click()
        expect(page.locator(".test-result img")).to_be_visible()
        expect(page.locator(".test-result")).to_contain_text("640 × 360, h264")
        page.get_by_label("Tags").fill("front, floor 1")
        page.get_by_role("button", name="Add it").click()
        door = page.get_by_role("region", name="door", exact=True)
        expect(door).to_contain_text("Live")
        expect(door.locator(".tag")).to_have_text(["front", "floor 1"])
        assert "s3cret" not in page.content()
        page.get_by_role("link", name="Now").click()
        expect(page.get_by_role("article", name="door")).to_contain_text("Live")

        page.get_by_role("link", name="Sources").click()
        page.get_by_role("button", name="Edit door").click()
        page.get_by_label("Frames analysed").fill("3")
        page.get_by_role("button", name="Save").click()
        expect(door).to_contain_text("limit 3 fps")
        page.get_by_role("button", name="Pause door").click()
        expect(door).to_contain_text("Paused")
        page.get_by_role("button", name="Resume door").click()
        expect(door).to_contain_text("Live")
        door.get_by_text("Last 24 hours, and").click()
        expect(door.locator("tbody")).to_contain_text("Paused")
        expect(door.locator(".facts")).to_contain_text("Captured in this run")
        page.get_by_role("button", name="Remove door").click()
        page.get_by_role("button", name="Remove it").click()
        expect(page.locator(".empty")).to_contain_text("No live source yet")


def test_an_image_is_read_and_not_stored(
    browser: Browser, stack: LiveStack, tmp_path: Path
) -> None:
    before = set(stack.installation.home.rglob("*"))
    with browser.new_context() as viewer, quiet_page(viewer, stack.address) as page:
        page.goto(f"{stack.address}try")
        page.locator("#try-file").set_input_files(FACES / "a-happy.png")
        expect(page.locator(".lead")).to_contain_text("One face found")
        expect(page.locator(".face h2")).to_contain_text("happy")
        expect(page.locator(".face .bar")).to_have_count(7)
        grey = tmp_path / "grey.png"
        cv2.imwrite(str(grey), np.full((200, 300), 127, np.uint8))
        page.locator("#try-file").set_input_files(grey)
        expect(page.locator(".lead")).to_have_text("No face was found.")
    after = set(stack.installation.home.rglob("*"))
    assert {path.name for path in after - before} <= {"moodline.db-wal", "moodline.db-shm"}


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
        (png(100_000, 100, b""), "cannot be decoded.*40 million"),
        (png(100_000, 100_000, b"\0" * 1000), "cannot be decoded.*40 million"),
        (png(11_000, 11_000, b"\0" * 50_000_000), "cannot be decoded.*40 million"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 5000, "cannot be decoded"),
        (b"GIF89a" + b"\xff" * 500, "cannot be decoded|not an image"),
        (b"RIFF\x10\0\0\0WEBPVP8 " + b"\0" * 500, "cannot be decoded"),
    ],
    ids=["empty", "svg", "wide", "bomb", "large", "jpeg", "gif", "webp"],
)
def test_a_hostile_image_is_an_error_and_the_next_image_is_read(
    reader: ImageReader, data: bytes, said: str
) -> None:
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
