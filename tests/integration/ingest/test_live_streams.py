"""LiveReader on real servers: MJPEG, HLS, RTSP, TLS, faults on the way, and webcams."""

import itertools
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import av
import numpy as np
import pytest

from contracts.errors import CredentialsRefusedError, SourceError
from contracts.live_sources import LiveState
from ingest.live.opening import open_live
from ingest.live.pacing import Playback
from ingest.live.reader import LiveReader
from tests.cameras import (
    FaultProxy,
    Mode,
    SlidingPlaylist,
    behind_tls,
    hls_segments,
    http_server,
    jpeg,
    refusing_rtsp_camera,
    send_mjpeg,
)
from tests.media import VideoSpec, steady, write_video
from tests.rtsp import RtspCamera

LONG_S = 120.0


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of H.264 at 25 fps."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    write_video(path, steady(250), VideoSpec(gop=25))
    return path


@dataclass
class RecordedPlayback(Playback):
    """The reader's pacing, and what it decided.

    steps: (time of the frame, time at which it was asked for, wait), in seconds.
    """

    steps: list[tuple[float, float, float]] = field(default_factory=list)

    def wait_s(self, media_s: float, now_s: float) -> float:
        wait_s = super().wait_s(media_s, now_s)
        self.steps.append((media_s, now_s, wait_s))
        return wait_s

    def assert_paced(self) -> None:
        """The reader waits as long as decided, and never much longer than a frame lasts.

        Unit tests of Playback check the decisions themselves.
        """
        for (_, asked_s, wait_s), (_, next_s, _) in pairwise(self.steps):
            assert next_s >= asked_s + wait_s - 0.001
        assert max(wait_s for *_, wait_s in self.steps) < 0.1


@pytest.fixture
def playback(monkeypatch: pytest.MonkeyPatch) -> RecordedPlayback:
    one = RecordedPlayback()
    monkeypatch.setattr("ingest.live.reader.Playback", lambda: one)
    return one


def until(condition: Callable[[], bool]) -> None:
    pause, deadline = threading.Event(), time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        pause.wait(0.01)


def wait_for_frames(reader: LiveReader) -> None:
    until(lambda: reader.condition.state is LiveState.STREAMING)
    before = reader.counters().captured
    until(lambda: reader.counters().captured > before)


def assert_balanced(reader: LiveReader, taken: int) -> None:
    counters = reader.counters()
    assert counters.captured == (taken + counters.sampled_out + sum(counters.dropped.values()))


def test_mjpeg_may_change_its_resolution() -> None:
    small, large = jpeg((64, 48), 60), jpeg((128, 96), 160)
    changed = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        pictures = (large if changed.is_set() else small for _ in itertools.count())
        send_mjpeg(handler, pictures, 0.03)

    with http_server(answer) as port:
        reader = LiveReader(f"http://127.0.0.1:{port}/video", fps=None, max_side=640)
        with reader:
            first = reader.take(LONG_S)
            assert first is not None and (first.width, first.height) == (64, 48)
            changed.set()
            taken = 1
            while (frame := reader.take(LONG_S)) is not None and frame.width == 64:
                taken += 1
            assert frame is not None and (frame.display_width, frame.height) == (128, 96)
            taken += 1
            assert reader.condition.state is LiveState.STREAMING
        assert_balanced(reader, taken)


def test_hls_is_paced_by_its_frame_times(playback: RecordedPlayback, tmp_path: Path) -> None:
    recording = tmp_path / "source.mp4"
    write_video(recording, steady(125), VideoSpec(gop=25))
    playlist = hls_segments(recording, tmp_path, 2)
    assert len(list(tmp_path.glob("*.ts"))) >= 2

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = (tmp_path / handler.path.strip("/")).read_bytes()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with http_server(answer) as port:
        reader = LiveReader(f"http://127.0.0.1:{port}/{playlist.name}", fps=None, max_side=640)
        times = []
        with reader:
            while len(times) < 60:
                frame = reader.take(LONG_S)
                assert frame is not None, reader.condition
                times.append(frame.captured_s)
        assert_balanced(reader, len(times))
    playback.assert_paced()
    media_s = [step[0] for step in playback.steps]
    assert np.allclose(np.diff(media_s), 0.04, atol=0.002)
    assert times[-1] - times[0] > 2.0, "sixty frames of 40 ms, not a burst of segments"


def test_live_hls_is_paced_through_a_late_segment_and_a_discontinuity(
    playback: RecordedPlayback, tmp_path: Path
) -> None:
    recording = tmp_path / "source.mp4"
    write_video(recording, steady(150), VideoSpec(gop=25))
    hls_segments(recording, tmp_path, 1)
    segments = sorted(tmp_path.glob("*.ts"))
    assert len(segments) == 6
    live = SlidingPlaylist(segments, late_at=5, late_s=3.0)
    with http_server(live.answer) as port:
        reader = LiveReader(f"http://127.0.0.1:{port}/live.m3u8", fps=None, max_side=640)
        times = []
        with reader:
            while len(times) < 200:
                frame = reader.take(LONG_S)
                assert frame is not None, reader.condition
                times.append(frame.captured_s)
            assert reader.counters().dropped.get("corrupt", 0) == 0
    playback.assert_paced()
    media_s = np.array([step[0] for step in playback.steps])
    assert (np.diff(media_s) < 0).any() or (np.diff(media_s) > 1).any(), "a discontinuity was read"
    assert times[-1] - times[0] > 6, "two hundred frames of 40 ms, less what was late"


def test_rtsp_over_tls_accepts_a_self_signed_certificate(clip: Path, tmp_path: Path) -> None:
    with (
        RtspCamera(clip.parent, tmp_path / "rtsp.log") as camera,
        behind_tls(camera.port, tmp_path) as port,
    ):
        plain = f"rtsp://127.0.0.1:{camera.port}/"
        uri = camera.url(clip.name).replace(plain, f"rtsps://127.0.0.1:{port}/")
        with LiveReader(uri, fps=None, max_side=640) as reader:
            wait_for_frames(reader)


def test_mjpeg_and_hls_over_tls_accept_a_self_signed_certificate(tmp_path: Path) -> None:
    picture = jpeg((64, 48), 60)
    recording = tmp_path / "source.mp4"
    write_video(recording, steady(125), VideoSpec(gop=25))
    playlist = hls_segments(recording, tmp_path, 2)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/live":
            send_mjpeg(handler, itertools.repeat(picture), 0.02)
            return
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write((tmp_path / handler.path.strip("/")).read_bytes())

    with http_server(answer) as plain, behind_tls(plain, tmp_path) as port:
        for path in ("live", playlist.name):
            uri = f"https://127.0.0.1:{port}/{path}"
            with LiveReader(uri, fps=None, max_side=640) as reader:
                until(lambda: reader.counters().captured > 10)


def test_a_redirect_is_followed_only_to_an_allowed_host() -> None:
    pictures = [jpeg((64, 48), 60)]

    def camera(handler: BaseHTTPRequestHandler) -> None:
        send_mjpeg(handler, itertools.cycle(pictures), 0.03)

    def elsewhere(handler: BaseHTTPRequestHandler, port: int) -> None:
        handler.send_response(302)
        handler.send_header("Location", f"http://127.0.0.1:{port}/video")
        handler.end_headers()

    with http_server(camera) as port, http_server(lambda one: elsewhere(one, port)) as first:
        uri = f"http://localhost:{first}/video"
        with pytest.raises(SourceError) as raised:
            open_live(uri)
        assert "not allowed" in raised.value.detail
        live = open_live(uri, ["127.0.0.1"])
        assert next(live.frames()).image.width == 64
        live.close()


@pytest.mark.parametrize("path", ["live.m3u8", "playlist"])
def test_segments_are_requested_only_from_an_allowed_host(tmp_path: Path, path: str) -> None:
    recording = tmp_path / "source.mp4"
    write_video(recording, steady(50), VideoSpec(gop=25))
    playlist = hls_segments(recording, tmp_path, 1)
    asked: list[str] = []

    def answer(handler: BaseHTTPRequestHandler, port: int) -> None:
        asked.append(str(handler.headers["Host"]))
        name = handler.path.strip("/")
        if name == path:
            lines = playlist.read_text().splitlines()
            body = "\n".join(
                f"http://127.0.0.1:{port}/{line}" if line.endswith(".ts") else line
                for line in lines
            ).encode()
        else:
            body = (tmp_path / name).read_bytes()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/vnd.apple.mpegurl")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    ports: list[int] = []
    with http_server(lambda one: answer(one, ports[0])) as port:
        ports.append(port)
        uri = f"http://localhost:{port}/{path}"
        with pytest.raises(SourceError, match="not allowed"):
            next(open_live(uri).frames())
        assert asked and all(host.startswith("localhost") for host in asked)
        live = open_live(uri, ["127.0.0.1"])
        assert next(live.frames()).image.width == 128
        live.close()


@pytest.mark.parametrize("status", [401, 403])
def test_refused_http_credentials_are_a_failure_of_their_own(status: int) -> None:
    with http_server(lambda handler: handler.send_error(status)) as port:
        uri = f"http://me:s3cret@127.0.0.1:{port}/video"
        with pytest.raises(CredentialsRefusedError) as raised:
            open_live(uri)
        assert "s3cret" not in raised.value.line()
        with LiveReader(uri, fps=None, max_side=640) as reader:
            until(lambda: reader.condition.state is LiveState.FAILED)
            assert "password" in reader.condition.reason


def test_refused_rtsp_credentials_are_a_failure_of_their_own() -> None:
    with refusing_rtsp_camera() as port:
        uri = f"rtsp://me:s3cret@127.0.0.1:{port}/live"
        with LiveReader(uri, fps=None, max_side=640) as reader:
            until(lambda: reader.condition.state is LiveState.FAILED)
            assert "password" in reader.condition.reason
            assert "s3cret" not in reader.condition.reason


def test_an_unknown_host_is_named_in_the_reason() -> None:
    with LiveReader("rtsp://camera.invalid/live", fps=None, max_side=640) as reader:
        until(lambda: reader.condition.state is LiveState.BACKING_OFF)
        assert "camera.invalid" in reader.condition.reason


def test_a_silent_stream_is_stalled_until_it_sends_again(clip: Path, tmp_path: Path) -> None:
    with (
        RtspCamera(clip.parent, tmp_path / "rtsp.log") as camera,
        FaultProxy(camera.port) as proxy,
    ):
        uri = camera.url(clip.name).replace(f":{camera.port}/", f":{proxy.port}/")
        with LiveReader(uri, fps=None, max_side=640) as reader:
            wait_for_frames(reader)
            proxy.set(Mode.HOLD)
            until(lambda: reader.condition.state is not LiveState.STREAMING)
            until(lambda: bool(reader.condition.reason))
            proxy.set(Mode.PASS)
            until(lambda: reader.condition.state is LiveState.STREAMING)
            wait_for_frames(reader)


def test_a_silence_within_a_frame_ends_the_connection(clip: Path, tmp_path: Path) -> None:
    with (
        RtspCamera(clip.parent, tmp_path / "rtsp.log") as camera,
        FaultProxy(camera.port) as proxy,
    ):
        uri = camera.url(clip.name).replace(f":{camera.port}/", f":{proxy.port}/")
        live = open_live(uri)
        pictures = live.frames()
        next(pictures)
        proxy.set(Mode.CUT)
        with pytest.raises(SourceError, match="no frame for 5 s"):
            for _ in pictures:
                pass
        live.close()
        proxy.set(Mode.PASS)


def test_corrupt_packets_are_counted_and_reading_continues(clip: Path, tmp_path: Path) -> None:
    with (
        RtspCamera(clip.parent, tmp_path / "rtsp.log") as camera,
        FaultProxy(camera.port) as proxy,
    ):
        uri = camera.url(clip.name).replace(f":{camera.port}/", f":{proxy.port}/")
        with LiveReader(uri, fps=None, max_side=640) as reader:
            wait_for_frames(reader)
            proxy.set(Mode.SPOIL)
            until(lambda: reader.counters().dropped.get("corrupt", 0) > 0)
            proxy.set(Mode.PASS)
            wait_for_frames(reader)
        assert_balanced(reader, 0)


class FakeCapture:
    """A substitute for cv2.VideoCapture: the machines that run tests have no camera."""

    def __init__(self, pictures: int) -> None:
        self.left = pictures
        self.released = False

    def isOpened(self) -> bool:
        return True

    def get(self, _what: int) -> float:
        return 30.0

    def read(self) -> tuple[bool, Any]:
        self.left -= 1
        return (True, np.zeros((48, 64, 3), np.uint8)) if self.left >= 0 else (False, None)

    def release(self) -> None:
        self.released = True


def loopback_camera() -> Path | None:
    """A device of the kernel module v4l2loopback; None if it is not loaded."""
    for name in sorted(Path("/sys/devices/virtual/video4linux").glob("video*")):
        device = Path("/dev") / name.name
        if device.exists() and os.access(device, os.R_OK | os.W_OK):
            return device
    return None


@pytest.mark.skipif(loopback_camera() is None, reason="v4l2loopback is not loaded here")
def test_a_v4l2_device_is_read() -> None:
    device, stop = loopback_camera(), threading.Event()
    assert device is not None

    def feed() -> None:
        with av.open(str(device), "w", format="v4l2") as out:
            stream = out.add_stream("rawvideo", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for number in itertools.count():
                if stop.wait(0.04):
                    return
                gray = np.full((48, 64), number % 200, np.uint8)
                picture = av.VideoFrame.from_ndarray(gray, format="gray").reformat(format="yuv420p")
                out.mux(stream.encode(picture))

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    try:
        with LiveReader(str(device), fps=None, max_side=640, retry_missing=True) as reader:
            frame = reader.take(LONG_S)
            assert frame is not None and (frame.width, frame.height) == (64, 48)
            until(lambda: reader.counters().captured > 25)
        assert_balanced(reader, 1)
    finally:
        stop.set()
        feeder.join(10)


def test_a_webcam_is_read_again_after_it_was_unplugged() -> None:
    captures = [FakeCapture(5), FakeCapture(1_000_000)]
    given = iter(captures)
    with (
        patch("ingest.live.inputs.cv2.VideoCapture", lambda *_: next(given)),
        LiveReader("0", fps=10, max_side=640) as reader,
    ):
        until(lambda: captures[0].released)
        until(lambda: reader.counters().captured > 20)
        assert reader.condition.state is LiveState.STREAMING
    assert captures[1].released
    assert_balanced(reader, 0)
