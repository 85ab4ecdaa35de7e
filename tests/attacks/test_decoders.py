"""Decoders under attack: frames and pictures that are small as bytes and huge in memory.

Peaks of memory are those of whole processes, with the interpreter and its libraries.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import MoodlineError
from moodline.adapters.image_reader import ImageReader
from tests.cameras import http_server
from tests.cameras import jpeg as small_jpeg
from tests.e2e.commands import Installation
from tests.large_pictures import LARGE_PICTURES, jpeg, png, webp, write_growing_mov

SIDE = 15_000
"""225 megapixels."""
READ_FILES = """
import json, sys
from pathlib import Path
from contracts.errors import SourceError
from ingest.files.source import FileSource

def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024

for path in map(Path, sys.argv[1:]):
    frames, error = 0, ""
    try:
        with FileSource(path, fps=None, max_side=640) as source:
            frames = sum(1 for _ in source.frames())
            error = source.totals.error
    except SourceError as exc:
        error = exc.line()
    print(json.dumps({"frames": frames, "error": error, "peak": peak()}))
"""
READ_SOURCE = """
import json, sys, time
from pathlib import Path
from contracts.live_sources import LiveState
from contracts.settings import Settings
from ingest.live.reader import LiveReader
from runtime.decoding.memory_limit import limited_memory

def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024

def read(uri):
    with LiveReader(uri, fps=None, max_side=640) as reader:
        deadline_s = time.monotonic() + 60
        while reader.condition.state is not LiveState.BACKING_OFF and time.monotonic() < deadline_s:
            reader.take(0.05)
        return reader.condition.reason

with limited_memory(Settings.read().source_memory_mb):
    reason = read(sys.argv[1])
print(json.dumps({"reason": reason, "peak": peak()}))
"""


def run_python(*arguments: str | Path, typed: str = "", **env: str) -> list[dict[str, Any]]:
    """Run an interpreter; return the objects that it prints, one a line."""
    environment = Installation(Path("/nonexistent"), env).environment()
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment,
        cwd=Path(__file__).parents[2],
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # Logs come on standard output too.
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def large_pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A real picture of 225 megapixels in each format; the largest file has 2.6 MB."""
    folder = tmp_path_factory.mktemp("large")
    paths = {}
    for name, make in LARGE_PICTURES.items():
        paths[name] = folder / f"picture.{name}"
        paths[name].write_bytes(make(SIDE, SIDE))
    return paths


# Recordings and pictures that ingest decodes


def test_a_picture_of_225_megapixels_is_refused_by_its_header(
    large_pictures: dict[str, Path],
) -> None:
    answers = run_python("-c", READ_FILES, *large_pictures.values())

    for name, answer in zip(large_pictures, answers, strict=True):
        assert answer["frames"] == 0
        assert f"{SIDE}x{SIDE} pixels; the limit is 64 million" in answer["error"], name
    assert answers[-1]["peak"] < 150e6


@pytest.mark.parametrize(
    ("codec", "small", "large"),
    [
        ("png", png(64, 48), png(16_200, 16_200, depth=16, colour_type=6)),
        ("mjpeg", small_jpeg((64, 48), 60), jpeg(16_200, 16_200)),
    ],
    ids=["png", "mjpeg"],
)
def test_a_recording_whose_later_frames_are_huge_ends_before_them(
    codec: str, small: bytes, large: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "grows.mov"
    write_growing_mov(path, [small] * 120 + [large] * 3, codec)

    (answer,) = run_python("-c", READ_FILES, path)

    assert answer["frames"] == 120
    assert answer["error"].startswith(
        "grows.mov ends early: after 120 frames of about 123, a frame has 16200x16200 pixels; "
        "the limit is 64 million"
    )
    assert answer["peak"] < 150e6


def test_hostile_recordings_fail_with_their_reason_and_the_others_are_analysed(
    tmp_path: Path,
) -> None:
    grows, heavy, good = tmp_path / "grows.mov", tmp_path / "heavy.png", tmp_path / "good.mov"
    small, large = png(64, 48), png(16_200, 16_200, depth=16, colour_type=6)
    write_growing_mov(grows, [small] * 20 + [large] * 2)
    heavy.write_bytes(png(8_000, 8_000, depth=16, colour_type=6))  # Of an allowed size: 512 MB.
    write_growing_mov(good, [small] * 5)
    installation = Installation(tmp_path / "home", {"MOODLINE_DECODER_MEMORY_MB": "256"})

    done = installation.run("analyze", grows, heavy, good, "--json")

    files = {Path(one["path"]).name: one for one in json.loads(done.stdout)["files"]}
    assert "16200x16200 pixels; the limit is 64 million" in files["grows.mov"]["error"]
    assert files["grows.mov"]["frames_analyzed"] == 20
    assert "more memory than is allowed" in files["heavy.png"]["error"]
    assert files["good.mov"]["state"] == "done"


def test_an_uploaded_recording_is_checked_within_the_limits(tmp_path: Path) -> None:
    heavy = tmp_path / "heavy.png"
    heavy.write_bytes(png(8_000, 8_000, depth=16, colour_type=6))
    done = subprocess.run(
        [sys.executable, "-m", "moodline.adapters.recording_check_process", str(heavy)],
        env=Installation(tmp_path, {"MOODLINE_DECODER_MEMORY_MB": "256"}).environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "more memory than is allowed" in done.stdout
    assert "Traceback" not in done.stderr


# Cameras


def answer_parts(handler: BaseHTTPRequestHandler, parts: Iterator[bytes]) -> None:
    """Send what a hostile camera sends, until its reader has had enough."""
    handler.send_response(200)
    handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
    handler.end_headers()
    try:
        for part in parts:
            handler.wfile.write(part)
    except OSError:
        pass


def as_part(picture: bytes) -> bytes:
    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
    return head.encode() + picture + b"\r\n"


def growing_pictures() -> Iterator[bytes]:
    side = 80
    while side <= 16_240:
        picture = jpeg(side, side)
        for _ in range(3):
            yield as_part(picture)
        side *= 2
    while True:
        yield as_part(jpeg(16_240, 16_240))


def endless_picture() -> Iterator[bytes]:
    for _ in range(5):
        yield as_part(small_jpeg((64, 48), 60))
    yield b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + small_jpeg((64, 48), 60)[:-2]
    for _ in range(2048):
        yield bytes(2**20)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (growing_pictures, r"pixels; the limit is"),
        (endless_picture, "it sends no JPEG pictures"),
    ],
    ids=["growing", "endless"],
)
def test_a_hostile_camera_is_left_alone_with_its_reason(parts: Any, reason: str) -> None:
    with http_server(lambda handler: answer_parts(handler, parts())) as port:
        (answer,) = run_python("-c", READ_SOURCE, f"http://127.0.0.1:{port}/video")
    assert reason in answer["reason"]
    assert answer["peak"] < 1e9


def test_the_test_of_a_source_is_limited_too() -> None:
    """Given pictures that are ready to be sent: the test of a source reads for three seconds."""
    pictures = [as_part(jpeg(80, 80)), as_part(jpeg(16_240, 16_240))]

    def answer(handler: BaseHTTPRequestHandler) -> None:
        answer_parts(handler, iter(pictures))

    with http_server(answer) as port:
        request = json.dumps(
            {
                "source": {"uri": f"http://127.0.0.1:{port}/video", "max_side": 640},
                "open_until_s": time.monotonic() + 120,
            }
        )
        (told,) = run_python(
            "-m",
            "moodline.adapters.probing.source_probe_process",
            typed=request,
            MOODLINE_SOURCE_HOSTS="127.0.0.1",
        )
    assert "pixels; the limit is" in told["error"] + told["detail"]


# Pictures of the page Try an image


@pytest.fixture(scope="module")
def reader() -> Iterator[ImageReader]:
    reader = ImageReader()
    yield reader
    reader.close()


@pytest.mark.parametrize("name", LARGE_PICTURES)
def test_try_an_image_refuses_225_megapixels_by_the_header(
    reader: ImageReader, large_pictures: dict[str, Path], name: str
) -> None:
    with pytest.raises(MoodlineError) as refused:
        reader.read(large_pictures[name].read_bytes())

    expected = "not an image" if name in ("bmp", "tiff") else "40 million pixels"
    assert expected in refused.value.line()
    assert reader._process is not None
    status = Path(f"/proc/{reader._process.pid}/status").read_text()
    assert int(status.split("VmHWM:")[1].split()[0]) * 1024 < 500e6


def test_try_an_image_refuses_long_sides(reader: ImageReader) -> None:
    with pytest.raises(MoodlineError, match="12,000 pixels per side"):
        reader.read(webp(12_008, 8))
    assert reader.read(webp(11_992, 8)).faces == ()


def test_opencv_without_its_limits_is_refused() -> None:
    code = "import cv2, runtime.decoding.opencv"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert "OpenCV was imported before its limits were set" in done.stderr
