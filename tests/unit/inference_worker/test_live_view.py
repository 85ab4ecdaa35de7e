"""The live view: in colour where colour travels, and blurred in colour too."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from broker.bus import Bus
from broker.live_view import SourceView
from contracts.chroma import chroma_bytes
from contracts.expressions import EXPRESSIONS
from contracts.frame_results import FaceResult, FrameResult
from contracts.frames import Counters, FrameMessage
from contracts.geometry import Box
from contracts.settings import LiveView
from inference_worker.pictures.colour import bgr_picture
from inference_worker.pictures.live_view import LiveViews, annotated_jpeg
from runtime.decoding.opencv import cv2
from tests.rows import START

WIDTH, HEIGHT = 160, 120
FACE = Box(40, 20, 60, 60)
NO_BUS = cast("Bus", None)


def frame(seq: int = 1, *, coloured: bool = True, face_cb: int = 128) -> FrameMessage:
    """A grey picture. face_cb: the blue of every second pair of columns in the face."""
    cb = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    cb[10:40, 20:50:2] = face_cb
    chroma = cb.tobytes() + bytes([128]) * (chroma_bytes(WIDTH, HEIGHT) // 2)
    luma = bytes([120]) * (WIDTH * HEIGHT)
    at_us = int(START.timestamp() * 1e6)
    size = (WIDTH, HEIGHT, WIDTH, HEIGHT)
    return FrameMessage(
        "run", seq, seq, 0, at_us, *size, Counters(1), luma, chroma=chroma if coloured else b""
    )


def result(seq: int = 1, *, with_face: bool = True) -> FrameResult:
    probabilities = tuple(1.0 if name == "neutral" else 0.0 for name in EXPRESSIONS)
    face = FaceResult(7, FACE, probabilities, "neutral", 1.0, "neutral", 1.0, 0.9)
    return FrameResult(seq, seq, 0, 0, 40, (face,) if with_face else ())


def decoded(jpeg: bytes) -> npt.NDArray[np.int64]:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), int)


def spread(picture: npt.NDArray[np.int64]) -> int:
    """How much blue varies inside the face, away from the drawn box."""
    blue = picture[35:65, 55:85, 0]
    return int(blue.max() - blue.min())


def test_a_blurred_view_hides_what_only_colour_shows() -> None:
    """The face of this frame is flat grey, and striped in blue."""
    striped = frame(face_cb=255)
    clear = annotated_jpeg(striped, result(), blurred=False)
    blurred = annotated_jpeg(striped, result(), blurred=True)
    assert spread(decoded(clear)) > 40
    assert spread(decoded(blurred)) * 2.5 < spread(decoded(clear))


def test_a_view_with_chroma_has_colour_and_one_without_is_grey() -> None:
    red = replace(frame(), chroma=bytes([100]) * (80 * 60) + bytes([200]) * (80 * 60))
    coloured = decoded(annotated_jpeg(red, result(with_face=False), blurred=True))[60, 80]
    grey = decoded(annotated_jpeg(frame(coloured=False), result(with_face=False), blurred=True))
    assert coloured[2] - coloured[0] > 80
    assert np.ptp(grey[60, 80]) <= 3


def test_a_picture_is_scaled_with_its_colour() -> None:
    picture = bgr_picture(bytes([50]) * 15, bytes([128]) * 12, (5, 3), (2, 1))
    assert picture.shape == (1, 2, 3)
    assert (picture == 50).all()


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The times of the views that were published, in microseconds."""
    published: list[int] = []
    monkeypatch.setattr(
        SourceView, "publish", lambda self, _bus: published.append(self.captured_at_us)
    )
    return published


def views(clock: Callable[[], float]) -> LiveViews:
    return LiveViews(NO_BUS, LiveView.BLURRED, clock)


def at(time_s: float, *, coloured: bool) -> FrameMessage:
    return replace(frame(coloured=coloured), captured_at_us=round(time_s * 1e6))


def test_of_a_turn_the_newest_frame_with_colour_is_drawn(drawn: list[int]) -> None:
    frames = [at(0.0, coloured=True), at(0.1, coloured=True), at(0.2, coloured=False)]
    views(lambda: 0.0).update("door", frames, [result()] * 3)
    assert drawn == [100_000]


@pytest.mark.parametrize("rate", [5, 15, 30])
def test_a_source_with_colour_is_drawn_in_colour_only_and_often(
    drawn: list[int], rate: int
) -> None:
    """Ingest sends colour with a frame every 0.35 s or a little later."""
    now, due_s = 0.0, 0.0
    one = views(lambda: now)
    coloured_times = []
    for number in range(10 * rate):
        now = number / rate
        coloured = now >= due_s
        if coloured:
            due_s = now + 0.35
            coloured_times.append(round(now * 1e6))
        one.update("door", [at(now, coloured=coloured)], [result()])
    assert drawn == coloured_times
    assert len(drawn) >= 25


def test_a_source_whose_colour_ends_is_drawn_in_grey_after_two_seconds(drawn: list[int]) -> None:
    now = 0.0
    one = views(lambda: now)
    one.update("door", [at(0.0, coloured=True)], [result()])
    for number in range(1, 31):
        now = number / 10
        one.update("door", [at(now, coloured=False)], [result()])
    assert drawn == [0, 2_000_000, 2_400_000, 2_800_000]
