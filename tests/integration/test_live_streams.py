"""MJPEG and HLS from a local server, a webcam that is none, and cameras that misbehave."""

import itertools
import os
import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from unittest.mock import patch

import av
import numpy as np
import pytest

from contracts.errors import CredentialsRefusedError, SourceError
from contracts.live_sources import LiveState
from ingest.live.opening import open_live
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

LONG_S = 30.0


def until(holds: Callable[[], bool], seconds: float = LONG_S) -> None:
    pause = threading.Event()
    for _ in range(int(seconds * 100)):
        if holds():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come to that")


def seen(reader: LiveReader) -> None:
    until(lambda: reader.condition.state is LiveState.STREAMING)
    before = reader.counters().captured
    until(lambda: reader.counters().captured > before)


def balances(reader: LiveReader, taken: int) -> None:
    counters = reader.counters()
    assert counters.captured == (taken + counters.sampled_out + sum(counters.dropped.values()))


def test_mjpeg_over_http_with_a_change_of_resolution() -> None:
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
        balances(reader, taken)


def test_hls_is_paced_by_its_own_times_not_by_its_segments(tmp_path: Path) -> None:
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
        balances(reader, len(times))
    gaps = np.diff(times)
    # Sixty pictures of 40 ms: neither a burst of a segment nor a wait for the next one.
    assert 2.0 < times[-1] - times[0] < 8.0
    assert np.quantile(gaps, 0.1) > 0.01


def test_live_hls_keeps_its_pace_over_a_hiccup_and_a_discontinuity(tmp_path: Path) -> None:
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
            while len(times) < 300:
                frame = reader.take(LONG_S)
                assert frame is not None, reader.condition
                times.append(frame.captured_s)
            assert reader.counters().dropped.get("corrupt", 0) == 0
    # Over two rounds of its times, with the hiccup: never more than what half a second holds.
    most = max(bisect_right(times, at_s + 0.5) - at for at, at_s in enumerate(times))
    assert most <= 16
    assert 10 < times[-1] - times[0] < 25
    assert max(np.diff(times)) < 6


def test_an_rtsp_camera_behind_tls_with_a_certificate_of_its_own(
    long_clip: Path, tmp_path: Path
) -> None:
    with (
        RtspCamera(long_clip.parent, tmp_path / "rtsp.log") as camera,
        behind_tls(camera.port, tmp_path) as port,
    ):
        plain = f"rtsp://127.0.0.1:{camera.port}/"
        uri = camera.url(long_clip.name).replace(plain, f"rtsps://127.0.0.1:{port}/")
        with LiveReader(uri, fps=None, max_side=640) as reader:
            seen(reader)


def test_mjpeg_and_hls_behind_tls_with_a_certificate_of_their_own(tmp_path: Path) -> None:
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


def test_a_redirect_leads_to_a_camera_only_where_that_host_may_be_asked() -> None:
    pictures = [jpeg((64, 48), 60)]

    def camera(handler: BaseHTTPRequestHandler) -> None:
        send_mjpeg(handler, itertools.cycle(pictures), 0.03)

    def elsewhere(handler: BaseHTTPRequestHandler, port: int) -> None:
        handler.send_response(302)
        handler.send_header("Location", f"http://127.0.0.1:{port}/video")
        handler.end_headers()

    with http_server(camera) as port, http_server(lambda one: elsewhere(one, port)) as first:
        uri = f"http://localhost:{first}/video"
        with pytest.raises(SourceError, match="redirects to another host"):
            open_live(uri)
        live = open_live(uri, ["127.0.0.1"])
        assert next(live.frames()).image.width == 64
        live.close()


@pytest.mark.parametrize("path", ["live.m3u8", "playlist"])
def test_a_playlist_names_no_host_that_must_not_be_asked(tmp_path: Path, path: str) -> None:
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
def test_refused_credentials_are_told_from_all_other_trouble(status: int) -> None:
    with http_server(lambda handler: handler.send_error(status)) as port:
        uri = f"http://me:s3cret@127.0.0.1:{port}/video"
        with pytest.raises(CredentialsRefusedError) as raised:
            open_live(uri)
        assert "s3cret" not in raised.value.line()
        with LiveReader(uri, fps=None, max_side=640) as reader:
            until(lambda: reader.condition.state is LiveState.FAILED)
            assert "password" in reader.condition.reason


def test_an_rtsp_camera_that_takes_no_password_is_not_asked_again_at_once() -> None:
    with refusing_rtsp_camera() as port:
        uri = f"rtsp://me:s3cret@127.0.0.1:{port}/live"
        with LiveReader(uri, fps=None, max_side=640) as reader:
            until(lambda: reader.condition.state is LiveState.FAILED)
            assert "password" in reader.condition.reason
            assert "s3cret" not in reader.condition.reason


def test_a_name_that_nobody_knows_is_said() -> None:
    with LiveReader("rtsp://camera.invalid/live", fps=None, max_side=640) as reader:
        until(lambda: reader.condition.state is LiveState.BACKING_OFF)
        assert "camera.invalid:554" in reader.condition.reason


def test_a_stream_that_sends_nothing_more_and_comes_back(long_clip: Path, tmp_path: Path) -> None:
    with (
        RtspCamera(long_clip.parent, tmp_path / "rtsp.log") as camera,
        FaultProxy(camera.port) as proxy,
    ):
        uri = camera.url(long_clip.name).replace(f":{camera.port}/", f":{proxy.port}/")
        with LiveReader(uri, fps=None, max_side=640) as reader:
            seen(reader)
            proxy.set(Mode.HOLD)
            until(lambda: reader.condition.state is not LiveState.STREAMING, 10)
            until(lambda: bool(reader.condition.reason), 10)
            proxy.set(Mode.PASS)
            until(lambda: reader.condition.state is LiveState.STREAMING, 20)
            seen(reader)


def test_a_silence_in_the_middle_of_a_picture_is_told_in_time(
    long_clip: Path, tmp_path: Path
) -> None:
    with (
        RtspCamera(long_clip.parent, tmp_path / "rtsp.log") as camera,
        FaultProxy(camera.port) as proxy,
    ):
        uri = camera.url(long_clip.name).replace(f":{camera.port}/", f":{proxy.port}/")
        live = open_live(uri)
        pictures = live.frames()
        next(pictures)
        proxy.set(Mode.CUT)
        with pytest.raises(SourceError, match="no frame for 5 s"):
            late_s = 0.0
            while late_s < 4:
                begin_s = time.monotonic()
                next(pictures)
                late_s = time.monotonic() - begin_s
        live.close()
        proxy.set(Mode.PASS)


def test_spoiled_packets_are_counted_and_the_rest_is_read(long_clip: Path, tmp_path: Path) -> None:
    with (
        RtspCamera(long_clip.parent, tmp_path / "rtsp.log") as camera,
        FaultProxy(camera.port) as proxy,
    ):
        uri = camera.url(long_clip.name).replace(f":{camera.port}/", f":{proxy.port}/")
        with LiveReader(uri, fps=None, max_side=640) as reader:
            seen(reader)
            proxy.set(Mode.SPOIL)
            until(lambda: reader.counters().dropped.get("corrupt", 0) > 0)
            proxy.set(Mode.PASS)
            seen(reader)
        balances(reader, 0)


class FakeCapture:
    """Stands for cv2.VideoCapture: no machine of the tests' has a camera."""

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
    """A device of v4l2loopback's; None where the module is not loaded."""
    for name in sorted(Path("/sys/devices/virtual/video4linux").glob("video*")):
        device = Path("/dev") / name.name
        if device.exists() and os.access(device, os.R_OK | os.W_OK):
            return device
    return None


@pytest.mark.skipif(loopback_camera() is None, reason="v4l2loopback is not loaded here")
def test_a_webcam_of_the_kernels_is_read() -> None:
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
        balances(reader, 1)
    finally:
        stop.set()
        feeder.join(10)


def test_a_webcam_that_is_pulled_out_and_put_in_again() -> None:
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
    balances(reader, 0)
