"""RunAnalyzer: results depend on the frames only, not on batches or on the worker."""

import json
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from contracts.analysis_spec import AnalysisOptions
from contracts.expressions import EXPRESSIONS
from contracts.frame_results import FaceResult, FrameResult, TrackMark
from contracts.frames import Counters, FrameMessage
from contracts.runs import CHECKPOINT_LOOKS
from contracts.settings import DetectorName
from inference_worker.faces.analysis import RunAnalyzer, classify_crops
from inference_worker.faces.classify import LiteRTClassifier
from inference_worker.faces.detected_faces import DetectedFaces
from inference_worker.faces.detectors.choice import detector_id, make_detector
from inference_worker.faces.detectors.detection import Detection, Detector, Image
from inference_worker.faces.model_choice import shipped_model
from moodline.demo.scenes import FPS, HEIGHT, WIDTH, picture_at, scenes

OPTIONS = AnalysisOptions(
    smoothing_s=0.4, uncertain_below=None, min_face_px=24, max_frame_side=1280
)
FRAMES = 120
RESTARTS = {
    "haar": [0, 1, 2, 9, 20, 21, 37, 75, 76, 110, FRAMES],
    "centerface": [*range(FRAMES + 1)],
}
"""Frames at which an analyzer ends and another one continues from its checkpoint."""


class Recorder:
    """A detector that counts its calls by kind."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.id, self.schedule = detector.id, detector.schedule
        self.calls: Counter[str] = Counter()

    def search(self, luma: Image, min_side: float, *, thorough: bool) -> list[Detection]:
        self.calls["thorough" if thorough else "quick"] += 1
        return self._detector.search(luma, min_side, thorough=thorough)

    def search_turned(self, luma: Image, min_side: float) -> list[Detection]:
        self.calls["turned"] += 1
        return self._detector.search_turned(luma, min_side)

    def follow(self, luma: Image, expected: Detection, *, closely: bool = True) -> Detection | None:
        self.calls["followed closely" if closely else "followed"] += 1
        return self._detector.follow(luma, expected, closely=closely)


@pytest.fixture(scope="module")
def classifier() -> LiteRTClassifier:
    return LiteRTClassifier(shipped_model())


@pytest.fixture(scope="module")
def messages() -> list[FrameMessage]:
    """Eight seconds of the demo: nobody, one face, two, and one again, with grain."""
    scene, grain = scenes()[2], np.random.default_rng(22)
    return [
        message(number, picture_at(scene, number / FPS - 0.4) + grain.normal(0, 2, (HEIGHT, WIDTH)))
        for number in range(FRAMES)
    ]


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


def narrow(frame: FrameMessage) -> FrameMessage:
    """Return the frame without its right half."""
    luma = np.frombuffer(frame.luma, np.uint8).reshape(HEIGHT, WIDTH)[:, : WIDTH // 2]
    return replace(frame, width=WIDTH // 2, display_width=WIDTH, luma=luma.tobytes())


@pytest.fixture(scope="module", params=RESTARTS)
def name(request: pytest.FixtureRequest) -> DetectorName:
    return DetectorName(request.param)


@pytest.fixture(scope="module")
def detector(name: DetectorName) -> Detector:
    """A detector that runs share, as they do in a worker."""
    return make_detector(detector_id(name))


@pytest.fixture(scope="module")
def uninterrupted(
    detector: Detector, classifier: LiteRTClassifier, messages: list[FrameMessage]
) -> list[FrameResult]:
    return RunAnalyzer(detector, classifier, OPTIONS).analyze(messages)


@pytest.mark.parametrize("size", [1, 7, 16])
def test_results_do_not_depend_on_the_batch_size(
    detector: Detector,
    classifier: LiteRTClassifier,
    messages: list[FrameMessage],
    uninterrupted: list[FrameResult],
    size: int,
) -> None:
    one = RunAnalyzer(detector, classifier, OPTIONS)
    results = [r for i in range(0, FRAMES, size) for r in one.analyze(messages[i : i + size])]
    assert results == uninterrupted
    assert len({face.track_id for result in results for face in result.faces}) == 2


def test_an_analyzer_restored_from_a_checkpoint_gives_the_same_results(
    name: DetectorName,
    classifier: LiteRTClassifier,
    messages: list[FrameMessage],
    uninterrupted: list[FrameResult],
) -> None:
    # The detector is another one too, as if the first process was killed.
    detector = make_detector(detector_id(name))
    results, checkpoint = [], b""
    for first, last in pairwise(RESTARTS[name]):
        successor = RunAnalyzer(detector, classifier, OPTIONS, checkpoint)
        results += successor.analyze(messages[first:last])
        checkpoint = successor.checkpoint()
    assert results == uninterrupted


def test_detection_that_is_batches_ahead_changes_neither_results_nor_checkpoints(
    detector: Detector, classifier: LiteRTClassifier, messages: list[FrameMessage]
) -> None:
    options, size, ahead = replace(OPTIONS, window_s=2.0), 12, 3
    batches = [messages[i : i + size] for i in range(0, FRAMES, size)]
    calm = RunAnalyzer(detector, classifier, options)
    expected = [(calm.analyze(batch), calm.checkpoint()) for batch in batches]

    hasty, found, detected = RunAnalyzer(detector, classifier, options), [], deque[DetectedFaces]()
    for number in range(len(batches) + ahead):
        if number < len(batches):
            detected.append(hasty.detect(batches[number]))
        if number >= ahead:
            faces = detected.popleft()
            results = hasty.smooth(faces, classify_crops(classifier, faces.crops))
            found.append((results, hasty.checkpoint()))
    assert found == expected


def test_final_labels_do_not_depend_on_batches_or_restarts(
    detector: Detector, classifier: LiteRTClassifier, messages: list[FrameMessage]
) -> None:
    options = replace(OPTIONS, window_s=2.0)
    whole = RunAnalyzer(detector, classifier, options)
    expected = whole.analyze(messages)
    faces = {(one.frame_index, face.track_id) for one in expected for face in one.faces}
    final = [*(one for each in expected for one in each.revisions), *whole.finish()]
    assert {(one.frame_index, one.track_id) for one in final} == faces
    assert 0 < len(whole.finish()) < len(final) / 2
    causal = {
        (one.frame_index, face.track_id): face.smoothed_emotion
        for one in expected
        for face in one.faces
    }
    before = [causal[one.frame_index, one.track_id] for one in final]
    assert before != [one.smoothed_emotion for one in final], "none would show that it is final"

    results, checkpoint = [], b""
    for first, last in pairwise([0, 1, 2, 30, 31, 75, 110, FRAMES]):
        successor = RunAnalyzer(detector, classifier, options, checkpoint)
        results += successor.analyze(messages[first:last])
        checkpoint = successor.checkpoint()
    assert results == expected
    assert successor.finish() == whole.finish()


def test_held_faces_keep_their_reading_whatever_the_batches_and_restarts(
    messages: list[FrameMessage], classifier: LiteRTClassifier
) -> None:
    """With a third of a second, four of five frames of a steady face are neither found nor read."""
    options = replace(OPTIONS, window_s=2.0, hold_s=0.3)
    detector = Recorder(make_detector(detector_id(DetectorName.CENTERFACE)))
    whole = RunAnalyzer(detector, classifier, options)
    detected = whole.detect(messages)
    expected = whole.smooth(detected, classify_crops(classifier, detected.crops))
    faces = [face for result in expected for face in result.faces]
    assert len(detected.crops) < 0.4 * len(faces)
    assert detector.calls["followed closely"] < 0.4 * len(faces)
    last: dict[int, FaceResult] = {}
    for found, result in zip(detected.faces, expected, strict=True):
        for one, face in zip(found, result.faces, strict=True):
            if one.crop is None:
                before = last[face.track_id]
                assert face.probabilities == before.probabilities
                assert (face.emotion, face.quality) == (before.emotion, before.quality)
            last[face.track_id] = face

    for size in (1, 7):
        results, checkpoint = [], b""
        for start in range(0, FRAMES, size):
            successor = RunAnalyzer(detector, classifier, options, checkpoint)
            results += successor.analyze(messages[start : start + size])
            checkpoint = successor.checkpoint()
        assert results == expected
        assert successor.finish() == whole.finish()


def test_an_analyzer_continues_its_tracks_when_the_looks_were_erased(
    messages: list[FrameMessage],
    detector: Detector,
    classifier: LiteRTClassifier,
    uninterrupted: list[FrameResult],
) -> None:
    before = RunAnalyzer(detector, classifier, OPTIONS)
    before.analyze(messages[:40])
    state = json.loads(before.checkpoint())
    del state[CHECKPOINT_LOOKS]
    after = RunAnalyzer(detector, classifier, OPTIONS, json.dumps(state).encode())

    def readings(results: Sequence[FrameResult]) -> list[tuple[FaceResult, ...]]:
        return [
            tuple(replace(face, mark=TrackMark.PERSON) for face in one.faces) for one in results
        ]

    continued, expected = readings(after.analyze(messages[40:])), readings(uninterrupted[40:])
    # How the picture looked at its last search is erased too, so that it is searched again.
    assert continued[:5] == expected[:5]
    assert _tracks(continued) == _tracks(expected)


def _tracks(faces: Sequence[Sequence[FaceResult]]) -> set[int]:
    return {face.track_id for each in faces for face in each}


def test_runs_that_share_a_detector_do_not_change_each_other(
    detector: Detector,
    classifier: LiteRTClassifier,
    messages: list[FrameMessage],
    uninterrupted: list[FrameResult],
) -> None:
    one, other = (RunAnalyzer(detector, classifier, OPTIONS) for _ in range(2))
    results = []
    for number, frame in enumerate(messages):
        results += one.analyze([frame])
        # Another place of the clip, in a picture of another size.
        other.analyze([narrow(messages[number // 2 + FRAMES // 2])])
    assert results == uninterrupted


def test_every_kind_of_search_and_a_prediction_are_among_these_frames(
    classifier: LiteRTClassifier, messages: list[FrameMessage]
) -> None:
    """Without them, the tests above would not show that results depend on frames alone."""
    recorder = Recorder(make_detector(detector_id(DetectorName.CENTERFACE)))
    results = RunAnalyzer(recorder, classifier, OPTIONS).analyze(messages)
    calls = recorder.calls
    assert min(calls[kind] for kind in ("quick", "thorough", "turned", "followed")) > 0, calls
    faces = sum(len(result.faces) for result in results)
    assert faces > 100
    assert 0 < calls["followed closely"] < 0.7 * faces, "the others are predicted"


@pytest.mark.parametrize("clip", ["empty", "slow"])
def test_rare_searches_and_slow_tracks_do_not_depend_on_restarts(
    clip: str, classifier: LiteRTClassifier
) -> None:
    """empty, in changing light: thorough searches after 0, 5 and 10 s. slow: a frame each 2 s.

    In the second one frame is early, and a track survives a frame without its face because its
    pace is known.
    """
    room, shown = picture_at(scenes()[3], 0), picture_at(scenes()[0], 1.0)
    if clip == "empty":
        frames = [message(n, room + 8 * (n % 3), n * 500_000) for n in range(22)]
    else:
        times_us = (0, 2_000_000, 4_000_000, 6_000_000, 8_000_000, 8_100_000, 10_100_000)
        frames = [message(n, room if n == 4 else shown, t) for n, t in enumerate(times_us)]
    detector = make_detector(detector_id(DetectorName.CENTERFACE))
    calm, shaken = Recorder(detector), Recorder(detector)

    expected = RunAnalyzer(calm, classifier, OPTIONS).analyze(frames)
    results, checkpoint = [], b""
    for frame in frames:
        successor = RunAnalyzer(shaken, classifier, OPTIONS, checkpoint)
        results += successor.analyze([frame])
        checkpoint = successor.checkpoint()

    assert results == expected
    assert shaken.calls == calm.calls
    tracks = {face.track_id for result in expected for face in result.faces}
    assert (len(tracks), calm.calls["turned"]) == ((0, 2) if clip == "empty" else (1, 0))


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
    detector: Detector, classifier: LiteRTClassifier
) -> None:
    room = picture_at(scenes()[3], 0)
    times_us = [0, 40_000, 240_000, 5_000_000, 5_040_000, 5_000_000]
    frames = [message(n, room, t) for n, t in enumerate(times_us)]

    results = RunAnalyzer(detector, classifier, OPTIONS).analyze(frames)

    assert [result.dwell_ms for result in results] == [0, 40, 200, 1000, 40, 0]
    assert not any(result.faces for result in results)


def test_a_face_below_the_threshold_is_uncertain(
    detector: Detector, classifier: LiteRTClassifier, messages: list[FrameMessage]
) -> None:
    strict = AnalysisOptions(
        smoothing_s=0.4, uncertain_below=1.0, min_face_px=24, max_frame_side=1280
    )
    results = RunAnalyzer(detector, classifier, strict).analyze(messages[:45])
    faces = [face for result in results for face in result.faces]
    assert faces
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
