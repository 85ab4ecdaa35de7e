"""RunAnalyzer: results depend on the frames only, not on batches or on the worker."""

from itertools import pairwise

import numpy as np
import pytest

from contracts.analysis_spec import AnalysisOptions
from contracts.expressions import EXPRESSIONS
from contracts.frame_results import FrameResult
from contracts.frames import Counters, FrameMessage
from inference_worker.faces.analysis import RunAnalyzer
from inference_worker.faces.classify import LiteRTClassifier
from inference_worker.faces.detectors.choice import detector_id, make_detector
from inference_worker.faces.model_choice import shipped_model
from moodline.demo.scenes import FPS, HEIGHT, WIDTH, picture_at, scenes

OPTIONS = AnalysisOptions(
    smoothing_s=0.4, uncertain_below=None, min_face_px=24, max_frame_side=1280
)
FRAMES = 45


@pytest.fixture(scope="module")
def classifier() -> LiteRTClassifier:
    return LiteRTClassifier(shipped_model())


@pytest.fixture(scope="module")
def messages() -> list[FrameMessage]:
    """Three seconds of the demo; faces appear and disappear, one of them twice."""
    scene = scenes()[2]
    return [message(number, picture_at(scene, 4.0 + number / FPS)) for number in range(FRAMES)]


def message(number: int, picture: np.ndarray, time_us: int | None = None) -> FrameMessage:
    luma = np.clip(picture, 0, 255).astype(np.uint8)
    return FrameMessage(
        run_id="r",
        seq=number + 1,
        frame_index=number,
        media_time_us=number * 1_000_000 // FPS if time_us is None else time_us,
        captured_at_us=number,
        width=WIDTH,
        height=HEIGHT,
        display_width=2 * WIDTH,
        display_height=2 * HEIGHT,
        counters=Counters(captured=number + 1),
        luma=luma.tobytes(),
    )


def analyzer(
    classifier: LiteRTClassifier, checkpoint: bytes = b"", options: AnalysisOptions = OPTIONS
) -> RunAnalyzer:
    return RunAnalyzer(make_detector(detector_id("haar")), classifier, options, checkpoint)


@pytest.fixture(scope="module")
def uninterrupted(classifier: LiteRTClassifier, messages: list[FrameMessage]) -> list[FrameResult]:
    return analyzer(classifier).analyze(messages)


@pytest.mark.parametrize("size", [1, 4, 16])
def test_results_do_not_depend_on_the_batch_size(
    classifier: LiteRTClassifier,
    messages: list[FrameMessage],
    uninterrupted: list[FrameResult],
    size: int,
) -> None:
    one = analyzer(classifier)
    results = [r for i in range(0, FRAMES, size) for r in one.analyze(messages[i : i + size])]
    assert results == uninterrupted
    assert len({face.track_id for result in results for face in result.faces}) == 2


def test_an_analyzer_restored_from_a_checkpoint_gives_the_same_results(
    classifier: LiteRTClassifier, messages: list[FrameMessage], uninterrupted: list[FrameResult]
) -> None:
    results, checkpoint = [], b""
    for first, last in pairwise([0, 1, 2, 9, 20, 21, 37, FRAMES]):
        successor = analyzer(classifier, checkpoint)
        results += successor.analyze(messages[first:last])
        checkpoint = successor.checkpoint()
    assert results == uninterrupted


def test_boxes_are_in_display_pixels_and_inside_the_frame(
    uninterrupted: list[FrameResult],
) -> None:
    boxes = [face.box for result in uninterrupted for face in result.faces]
    assert boxes
    assert max(box.x + box.w for box in boxes) > WIDTH, "boxes are not scaled to display pixels"
    for box in boxes:
        assert box.x >= 0 and box.y >= 0 and box.w > 0 and box.h > 0
        assert box.x + box.w <= 2 * WIDTH + 0.1 and box.y + box.h <= 2 * HEIGHT + 0.1


def test_dwell_is_the_gap_to_the_previous_frame_and_at_most_a_second(
    classifier: LiteRTClassifier,
) -> None:
    room = picture_at(scenes()[3], 0)
    times_us = [0, 40_000, 240_000, 5_000_000, 5_040_000, 5_000_000]
    frames = [message(n, room, t) for n, t in enumerate(times_us)]

    results = analyzer(classifier).analyze(frames)

    assert [result.dwell_ms for result in results] == [0, 40, 200, 1000, 40, 0]
    assert not any(result.faces for result in results)


def test_a_face_below_the_threshold_is_uncertain(
    classifier: LiteRTClassifier, messages: list[FrameMessage]
) -> None:
    strict = AnalysisOptions(
        smoothing_s=0.4, uncertain_below=1.0, min_face_px=24, max_frame_side=1280
    )
    faces = [f for r in analyzer(classifier, b"", strict).analyze(messages) for f in r.faces]
    assert {face.emotion for face in faces} == {None}
    assert {face.smoothed_emotion for face in faces} == {None}
    assert all(sum(face.probabilities) == pytest.approx(1.0) for face in faces)


def test_the_label_is_the_most_probable_expression(uninterrupted: list[FrameResult]) -> None:
    for result in uninterrupted:
        for face in result.faces:
            if face.emotion is not None:
                best = EXPRESSIONS[int(np.argmax(face.probabilities))]
                assert face.emotion == best
                assert face.confidence == max(face.probabilities)
