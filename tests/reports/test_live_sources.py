"""Reports on cameras and streams: what is read of each answer."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Final

import pytest

from contracts.live_sources import LiveState
from ingest.live.freshness import SAME_MEDIA
from ingest.live.opening import open_live
from ingest.live.reader import LiveReader
from tests.cameras import hls_segments, http_server, jpeg
from tests.media import VideoSpec, steady, write_video

LEVELS: Final = (20, 70, 120, 170, 220)
LONG_S: Final = 60.0


@dataclass(frozen=True)
class MjpegReport:
    """A report on a camera's MJPEG. parts: the answer's bytes for each picture."""

    name: str
    symptom: str
    content_type: str
    parts: Callable[[Iterator[bytes]], Iterator[bytes]]


def _multipart(
    boundary: bytes, *, first: bool = True, lengths: bool = True
) -> Callable[[Iterator[bytes]], Iterator[bytes]]:
    def parts(pictures: Iterator[bytes]) -> Iterator[bytes]:
        for number, picture in enumerate(pictures):
            line = boundary + b"\r\n" if first or number else b""
            length = b"Content-Length: %d\r\n" % len(picture) if lengths else b""
            yield line + b"Content-Type: image/jpeg\r\n" + length + b"\r\n" + picture + b"\r\n"

    return parts


_MIXED: Final = "multipart/x-mixed-replace; boundary="

REPORTS: Final = [
    MjpegReport(
        "arendst/Tasmota#12376",
        "the stream begins with a picture, not with the boundary",
        _MIXED + "e8b8c539",
        _multipart(b"--e8b8c539", first=False),
    ),
    MjpegReport(
        "espressif/arduino-esp32#3720",
        "FFmpeg does not open the stream: the boundary comes after the part",
        _MIXED + "123456789000000000000987654321",
        _multipart(b"--123456789000000000000987654321", first=False),
    ),
    MjpegReport(
        "yoursunny/esp32cam#67",
        "wrong boundary: the first one is missing",
        _MIXED + "frame",
        _multipart(b"--frame", first=False),
    ),
    MjpegReport(
        "AlexxIT/go2rtc#545",
        "wrong boundary: none where one is expected",
        _MIXED + "data-boundary--",
        _multipart(b"data-boundary--"),
    ),
    MjpegReport(
        "gen2brain/cam2ip#16",
        "Expected boundary '--' not found, instead found a line of 20 bytes",
        _MIXED + "--boundary",
        _multipart(b"boundary", lengths=False),
    ),
    MjpegReport(
        "moodline, old ESP32-CAM",
        "one picture after the other, with nothing between",
        "image/jpeg",
        iter,
    ),
]


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_a_reported_camera_is_read_rightly(report: MjpegReport) -> None:
    pictures = [jpeg((64, 48), level) for level in LEVELS]

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", report.content_type)
        handler.end_headers()
        for part in report.parts(itertools.cycle(pictures)):
            handler.wfile.write(part)

    with http_server(answer) as port:
        live = open_live(f"http://127.0.0.1:{port}/stream")
        frames = list(itertools.islice(live.frames(), 12))
        live.close()
    levels = [frame.image.to_ndarray(format="gray").mean() for frame in frames]
    assert levels == pytest.approx(list(itertools.islice(itertools.cycle(LEVELS), 12)), abs=3)
    assert live.corrupt == 0


def until(condition: Callable[[], bool]) -> None:
    pause, deadline = threading.Event(), time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        pause.wait(0.01)


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the waits for data and for another picture."""
    for name in ("ingest.live.opening.READ_S", "ingest.live.inputs.READ_S"):
        monkeypatch.setattr(name, 1.0)
    monkeypatch.setattr("ingest.live.freshness.FROZEN_S", 0.3)


@pytest.mark.usefixtures("short_waits")
@pytest.mark.parametrize("report", ["video-dev/hls.js#5042", "shaka-project/shaka-player#6900"])
@pytest.mark.parametrize("ends", [False, True], ids=["left-as-it-is", "ended"])
def test_a_playlist_that_does_not_go_on_is_frozen(tmp_path: Path, report: str, ends: bool) -> None:
    write_video(tmp_path / "source.mp4", steady(75), VideoSpec(gop=25))
    playlist = hls_segments(tmp_path / "source.mp4", tmp_path, 1)
    lines = playlist.read_text().splitlines()
    kept = [line for line in lines if ends or ("ENDLIST" not in line and "TYPE" not in line)]
    playlist.write_text("\n".join(kept) + "\n")

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = (tmp_path / handler.path.strip("/")).read_bytes()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with (
        http_server(answer) as port,
        LiveReader(f"http://127.0.0.1:{port}/live.m3u8", fps=None, max_side=64) as reader,
    ):
        until(lambda: reader.condition.reason == SAME_MEDIA)
        assert reader.condition.state is LiveState.STALLED, report
        assert reader.counters().captured <= 75


@pytest.mark.usefixtures("short_waits")
@pytest.mark.parametrize(
    "report", ["roleoroleo/yi-hack-Allwinner-v2#61", "blakeblackshear/frigate#1932"]
)
def test_a_camera_that_repeats_its_last_picture_is_frozen_until_another_comes(report: str) -> None:
    moves = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        pictures = itertools.cycle([jpeg((64, 48), level) for level in LEVELS])
        picture, pause = next(pictures), threading.Event()
        handler.send_response(200)
        handler.send_header("Content-Type", _MIXED + "frame")
        handler.end_headers()
        while True:
            picture = next(pictures) if moves.is_set() else picture
            for part in _multipart(b"--frame")(iter([picture])):
                handler.wfile.write(part)
            pause.wait(0.02)

    with (
        http_server(answer) as port,
        LiveReader(f"http://127.0.0.1:{port}/video", fps=None, max_side=64) as reader,
    ):
        until(lambda: "frozen" in reader.condition.reason)
        assert reader.condition.state is LiveState.STALLED, report
        frozen_at = reader.counters().captured
        moves.set()
        until(lambda: reader.condition.state is LiveState.STREAMING)
        until(lambda: reader.counters().captured > frozen_at + 3)
