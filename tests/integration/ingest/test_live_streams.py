"""LiveReader on real servers: MJPEG and HLS, paced by the times of their frames."""

import itertools
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from contracts.live_sources import LiveState
from ingest.live.pacing import Playback
from ingest.live.reader import LiveReader
from tests.cameras import (
    SlidingPlaylist,
    hls_segments,
    http_server,
    jpeg,
    send_mjpeg,
)
from tests.integration.ingest.live_readers import LONG_S, assert_balanced
from tests.media import VideoSpec, steady, write_video


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
