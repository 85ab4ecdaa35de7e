"""Which detector a run gets, how steady faces are predicted, and faces that cross."""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.analysis_spec import AnalysisOptions
from contracts.errors import ModelError
from contracts.frames import Counters, FrameMessage
from contracts.geometry import Box
from contracts.settings import DetectorName, Settings
from inference_worker.faces.analysis import RunAnalyzer
from inference_worker.faces.classify import LiteRTClassifier
from inference_worker.faces.detectors import choice
from inference_worker.faces.detectors.centerface import CENTERFACE
from inference_worker.faces.detectors.choice import (
    chosen_detector,
    chosen_detector_id,
    detector_id,
    make_detector,
)
from inference_worker.faces.detectors.detection import Detection, Image
from inference_worker.faces.detectors.haar import HaarDetector, HaarSpec
from inference_worker.faces.detectors.network_files import NETWORKS
from inference_worker.faces.detectors.schedule import SearchSchedule
from inference_worker.faces.model_choice import shipped_model
from inference_worker.faces.tracking_detector import TrackingDetector
from runtime.decoding.opencv import cv2
from tests.data import test_data
from tests.unit.inference_worker.test_faces import average_face

ROOM = np.full((360, 640), 120, np.uint8)
OPTIONS = AnalysisOptions(0.4, None, 24, 1280)
HELD = replace(OPTIONS, hold_s=0.09)


# -- files


def test_the_default_detector_is_centerface() -> None:
    assert chosen_detector_id(Settings()) == "centerface/4"


@pytest.mark.parametrize(
    "old",
    ["haar-alt2/1", "haar-alt2-equalized/1", "centerface/1", "centerface/2", "centerface/3"],
)
def test_runs_of_earlier_versions_get_the_detector_that_they_are_pinned_to(old: str) -> None:
    assert make_detector(old).id == old


def test_a_damaged_weight_file_is_refused_before_a_run_is_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(NETWORKS / "centerface", tmp_path / "centerface")
    weights = tmp_path / "centerface" / "model.tflite"
    weights.write_bytes(weights.read_bytes()[:-1])
    monkeypatch.setattr(choice, "NETWORKS", tmp_path)
    with pytest.raises(ModelError, match="not those of its card"):
        chosen_detector_id(Settings())


def test_a_cascade_that_cannot_be_read_is_an_error_and_does_not_find_nothing() -> None:
    with pytest.raises(ModelError, match="cannot read the cascade"):
        HaarDetector(HaarSpec("none", cascade="none.xml"))


def test_yunet_without_its_file_names_the_file_and_what_to_do(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, detector=DetectorName.YUNET)
    with pytest.raises(ModelError, match=r"detectors/yunet\.onnx") as raised:
        chosen_detector(settings)
    assert "moodline detector add yunet" in raised.value.line()


@pytest.mark.parametrize("content", [b"", b"not a network"])
def test_a_file_that_is_not_yunets_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "yunet.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="yunet"):
        chosen_detector_id(Settings(detector=DetectorName.YUNET, yunet_file=str(path)))


def test_a_run_is_never_read_by_another_yunet_than_its_own(tmp_path: Path) -> None:
    path = tmp_path / "yunet.onnx"
    path.write_bytes(b"other weights")
    with pytest.raises(ModelError, match="a run needs detector yunet/8f2383e4dd3c"):
        make_detector("yunet/8f2383e4dd3c", path)


def test_yunet_finds_and_follows_a_face_of_its_owners_file() -> None:
    path = test_data("models/face_detection_yunet_2023mar.onnx")
    picture = ROOM.copy()
    picture[100:228, 200:328] = average_face("a-happy")
    detector = make_detector(detector_id(DetectorName.YUNET, path), path)

    assert detector.id == "yunet/8f2383e4dd3c"
    (found,) = detector.search(picture, 40, thorough=True)
    assert found.box.iou(Box(205, 105, 118, 118)) > 0.5
    assert found.roll == 0 and found.pose is None, "its points do not show it"
    followed = detector.follow(picture, found)
    assert followed is not None and followed.box.iou(found.box) > 0.7
    assert detector.follow(picture, Detection(Box(450, 100, 110, 110))) is None


# -- steady faces


class OneFace:
    """A detector of one face. looks: how often it was asked for it."""

    id = "one/1"

    def __init__(self, schedule: SearchSchedule) -> None:
        self.schedule, self.looks, self.there = schedule, 0, True
        self.turned, self.x = 0, 200.0
        self.searched = Counter[str]()

    def search(self, luma: Image, min_side: float, *, thorough: bool) -> list[Detection]:
        self.searched["thorough" if thorough else "quick"] += 1
        return [Detection(Box(self.x, 100, 80, 80))] if self.there else []

    def search_turned(self, luma: Image, min_side: float) -> list[Detection]:
        self.turned += 1
        return []

    def follow(self, luma: Image, expected: Detection, *, closely: bool = True) -> Detection | None:
        self.looks += 1
        return Detection(Box(self.x, 100, 80, 80)) if self.there else None


SELDOM = SearchSchedule(
    idle_us=10**9, quick_us=10**9, thorough_us=10**9, turned_us=10**9, predicted_us=70_000
)


def seen(detector: OneFace, times_ms: range, *, restart: bool = False) -> list[int]:
    """Return the number of faces of each frame. restart: from the checkpoint after each frame."""
    tracking, counts = TrackingDetector(detector), []
    for time_ms in times_ms:
        counts.append(len(tracking.detect(ROOM, time_ms * 1000, 24)))
        if restart:
            tracking = TrackingDetector(detector, tracking.state())
    return counts


@pytest.mark.parametrize("restart", [False, True])
def test_a_steady_face_is_looked_for_in_every_second_frame_and_in_all_of_them(
    restart: bool,
) -> None:
    detector = OneFace(SELDOM)
    assert seen(detector, range(0, 400, 40), restart=restart) == [1] * 10
    # Found by the search, then in a second frame; only then is it predicted.
    assert detector.looks == 5


def test_at_low_frame_rates_and_with_other_schedules_every_frame_is_looked_at() -> None:
    slow, plain = OneFace(SELDOM), OneFace(SearchSchedule())
    seen(slow, range(0, 1000, 100))
    assert slow.looks == 9
    seen(plain, range(0, 400, 40))
    assert plain.looks == 9


def test_a_face_that_disappears_is_predicted_in_one_frame_at_most() -> None:
    detector, tracking = OneFace(SELDOM), None
    tracking = TrackingDetector(detector)
    for time_ms in range(0, 400, 40):
        tracking.detect(ROOM, time_ms * 1000, 24)
    detector.there = False
    counts = [len(tracking.detect(ROOM, time_ms * 1000, 24)) for time_ms in range(400, 600, 40)]
    assert sum(counts) <= 1 and not any(counts[1:])


# -- held faces


def held(
    detector: OneFace, times_ms: range, *, hold_ms: int, restart: bool, speed: float = 0.0
) -> list[bool]:
    """Return for each frame whether its face is held. speed: of the face, in pixels a frame."""
    state: dict[str, Any] | None = None
    looks: dict[str, Any] = {}
    tracking, faces = TrackingDetector(detector, hold_us=hold_ms * 1000), []
    for time_ms in times_ms:
        if restart:
            tracking = TrackingDetector(detector, state, hold_us=hold_ms * 1000, looks=looks)
        faces += tracking.detect(ROOM, time_ms * 1000, 24)
        state, looks = tracking.state(), tracking.looks()
        detector.x += speed
    return [face.held for face in faces]


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize(("gap_ms", "every"), [(16, 4), (33, 2), (40, 2), (70, 1)])
def test_a_steady_face_is_looked_for_again_after_the_time_that_it_is_held(
    gap_ms: int, every: int, restart: bool
) -> None:
    detector = OneFace(SELDOM)
    found = held(detector, range(0, 50 * gap_ms, gap_ms), hold_ms=60, restart=restart)
    assert len(found) == 50
    # A search finds it first, and only when it was found again is it held.
    assert not any(found[:2])
    assert found[1:] == [number % every != 0 for number in range(49)]
    assert detector.looks == found.count(False) - 1


def test_a_face_that_moves_fast_is_looked_for_in_every_frame() -> None:
    detector = OneFace(SELDOM)
    found = held(detector, range(0, 800, 40), hold_ms=60, restart=False, speed=8.0)
    assert len(found) == 20 and not any(found[4:]), "by 2.5 of its sides in a second"


def test_a_held_face_that_disappears_is_gone_with_the_next_look() -> None:
    detector = OneFace(SELDOM)
    tracking = TrackingDetector(detector, hold_us=60_000)
    for time_ms in range(0, 400, 16):
        tracking.detect(ROOM, time_ms * 1000, 24)
    detector.there = False
    counts = [len(tracking.detect(ROOM, time_ms * 1000, 24)) for time_ms in range(400, 600, 16)]
    assert sum(counts) <= 3 and not any(counts[4:])


# -- searches that are put off

STILL = replace(
    SELDOM,
    idle_us=500_000,
    quick_us=1_000_000,
    thorough_us=5_000_000,
    quick_still_us=4_000_000,
    thorough_still_us=20_000_000,
)


def searches(
    pictures: Iterable[Image],
    *,
    there: bool,
    restart: bool = False,
    schedule: SearchSchedule = STILL,
) -> Counter[str]:
    """Return the searches of pictures that follow each other by half a second."""
    detector = OneFace(schedule)
    detector.there = there
    tracking = TrackingDetector(detector)
    for number, picture in enumerate(pictures):
        tracking.detect(picture, number * 500_000, 24)
        if restart:
            tracking = TrackingDetector(detector, tracking.state(), looks=tracking.looks())
    return detector.searched


def moving(count: int, *, side: int = 30, at: tuple[int, int] = (20, 300)) -> Iterator[Image]:
    """Yield rooms with noise, through which something dark moves."""
    noise = np.random.default_rng(4)
    for number in range(count):
        picture = ROOM + noise.normal(0, 4, ROOM.shape)
        x, y = at[0] + 12 * number, at[1]
        picture[y : y + side, x : x + side] -= 40
        yield np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("there", [False, True])
def test_searches_are_put_off_while_nothing_moves(there: bool, restart: bool) -> None:
    """In 40 s: after 0, 20 and 40 s a thorough one, and between them one every four seconds."""
    found = searches(moving(81, side=0), there=there, restart=restart)
    assert found == {"thorough": 3, "quick": 8}


def test_nothing_is_put_off_while_something_moves() -> None:
    busy, plain = (
        searches(moving(41), there=False, schedule=schedule)
        for schedule in (STILL, replace(STILL, quick_still_us=0, thorough_still_us=0))
    )
    assert busy == plain == {"thorough": 5, "quick": 36}


def test_the_face_that_is_followed_is_not_what_moves() -> None:
    beside = searches(moving(21, at=(205, 120), side=40), there=True)
    assert beside["quick"] > searches(moving(21, side=0), there=True)["quick"], "it leaves the face"
    nods = [ROOM.copy() for _ in range(21)]
    for number, picture in enumerate(nods):
        picture[110:170, 210:270] = 60 + 10 * (number % 7)
    assert searches(nods, there=True) == searches([ROOM] * 21, there=True)


def test_a_person_who_comes_in_is_searched_for_at_the_next_turn() -> None:
    detector = OneFace(STILL)
    detector.there = False
    tracking = TrackingDetector(detector)
    empty, people = ROOM, ROOM.copy()
    people[100:180, 200:280] = 90
    for number in range(20):
        assert not tracking.detect(empty, number * 500_000, 24)
    detector.there = True
    assert len(tracking.detect(people, 20 * 500_000, 24)) == 1


# -- turned faces


@pytest.mark.parametrize("restart", [False, True])
def test_turned_faces_are_searched_for_less_often_until_somebody_is_seen(restart: bool) -> None:
    detector = OneFace(replace(CENTERFACE.schedule, idle_us=10**9, thorough_still_us=0))
    detector.there = False
    tracking, searched_at = TrackingDetector(detector), list[int]()
    for second in range(400):
        detector.there = second == 205
        before = detector.turned
        tracking.detect(ROOM, second * 1_000_000, 24)
        if detector.turned > before:
            searched_at.append(second)
        if restart:
            tracking = TrackingDetector(detector, tracking.state())
    alone, after = ([at for at in searched_at if (at > 205) is later] for later in (False, True))
    assert alone == [0, 10, 25, 50, 100, 150, 200]
    assert max(b - a for a, b in pairwise(after)) <= 11


@pytest.mark.parametrize(("roll", "quarters"), [(90.0, -1), (-90.0, 1)])
@pytest.mark.parametrize("shape", [(360, 640), (701, 395)])
def test_a_face_that_lies_is_found_where_it_is(
    roll: float, quarters: int, shape: tuple[int, int]
) -> None:
    picture = np.full(shape, 120, np.uint8)
    picture[60:188, 150:278] = np.rot90(average_face("a-happy"), quarters)
    detector = make_detector("centerface/3")
    (found,) = detector.search_turned(picture, 40)
    assert found.box.iou(Box(155, 65, 118, 118)) > 0.5
    assert found.roll == pytest.approx(roll, abs=8)
    (older,) = make_detector("centerface/2").search_turned(picture, 40)
    assert found.box.iou(older.box) > 0.8


# -- faces that cross


def crossing(seconds: float, apart: float, fps: int) -> list[FrameMessage]:
    """Two faces that pass each other, the happy one in front. apart: their rows, in pixels."""
    frames = []
    for number in range(int(seconds * fps)):
        walked = number / (seconds * fps) * 460
        picture = ROOM.astype(np.float32)
        _paste(picture, "b-neutral", 550 - walked, 180 - apart / 2)
        _paste(picture, "a-happy", 90 + walked, 180 + apart / 2)
        frames.append(_message(number, number * 1_000_000 // fps, picture.astype(np.uint8)))
    return frames


def _paste(picture: np.ndarray, name: str, x: float, y: float) -> None:
    mask = np.zeros((128, 128), np.float32)
    cv2.ellipse(mask, (64, 64), (48, 60), 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 3)
    left, top = round(x) - 64, round(y) - 64
    part = picture[top : top + 128, left : left + 128]
    part[:] = part * (1 - mask) + average_face(name) * mask


def _message(number: int, time_us: int, luma: np.ndarray) -> FrameMessage:
    return FrameMessage(
        run_id="r",
        seq=number + 1,
        frame_index=number,
        media_time_us=time_us,
        captured_at_us=number,
        width=640,
        height=360,
        display_width=640,
        display_height=360,
        counters=Counters(captured=number + 1),
        luma=luma.tobytes(),
    )


@pytest.mark.parametrize(("fps", "apart"), [(5, 0), (10, 60), (15, 0), (25, 30)])
def test_faces_that_cross_keep_their_tracks_and_expressions(fps: int, apart: float) -> None:
    frames = crossing(3.0, apart, fps)
    analyzer = RunAnalyzer(make_detector(CENTERFACE.id), LiteRTClassifier(shipped_model()), HELD)
    tracks: dict[int, Counter[str | None]] = {}
    for number, result in enumerate(analyzer.analyze(frames)):
        share = number / len(frames)
        if not 0.4 < share < 0.6:  # While one covers the other, there may be one face only.
            assert len(result.faces) == 2
            left = [face.box.x < 250 for face in result.faces]
            assert left == ([True, False] if share < 0.5 else [False, True]), "ids are by track"
        for face in result.faces:
            tracks.setdefault(face.track_id, Counter())[face.smoothed_emotion] += 1
    assert len(tracks) == 2
    assert {labels.most_common(1)[0][0] for labels in tracks.values()} == {"happy", "neutral"}
    assert all(labels.most_common(1)[0][1] >= 0.9 * labels.total() for labels in tracks.values())
