"""LiveReader on webcams: V4L2, and a camera that is unplugged."""

import itertools
import os
import threading
from pathlib import Path
from typing import Any
from unittest.mock import patch

import av
import numpy as np
import pytest

from contracts.live_sources import LiveState
from ingest.live.reader import LiveReader
from tests.integration.ingest.live_readers import LONG_S, assert_balanced, until


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
