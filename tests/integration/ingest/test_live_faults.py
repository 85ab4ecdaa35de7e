"""LiveReader behind a faulty network: silence, cut frames, corrupt packets."""

from pathlib import Path

import pytest

from contracts.errors import SourceError
from contracts.live_sources import LiveState
from ingest.live.opening import open_live
from ingest.live.reader import LiveReader
from tests.cameras import (
    FaultProxy,
    Mode,
)
from tests.integration.ingest.live_readers import assert_balanced, until, wait_for_frames
from tests.rtsp import RtspCamera


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
