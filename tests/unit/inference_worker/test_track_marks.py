"""TrackMarks: glimpses are tentative, still pictures are static, and everybody else is a person."""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from contracts.frame_results import TrackMark
from contracts.geometry import Box
from inference_worker.faces.detectors.detection import Detection, Image
from inference_worker.faces.detectors.schedule import SearchSchedule
from inference_worker.faces.track_marks import TrackMarks
from inference_worker.faces.tracking_detector import TrackingDetector
from runtime.decoding.opencv import cv2

FACES = Path("moodline/assets/faces")
SIZE = (320, 240)
PERSON, TENTATIVE, STATIC = TrackMark.PERSON, TrackMark.TENTATIVE, TrackMark.STATIC

Picture = npt.NDArray[np.float32]
Shown = tuple[Image, Sequence[Box]]
"""A frame, and where its faces are."""


class KnownFaces:
    """A detector that finds the faces where the test says that they are."""

    id = "known/1"
    schedule = SearchSchedule(0, 0, 0, 0, 0)

    def __init__(self) -> None:
        self.boxes: Sequence[Box] = ()

    def search(self, luma: Image, min_side: float, *, thorough: bool) -> list[Detection]:
        return [Detection(box) for box in self.boxes]

    def search_turned(self, luma: Image, min_side: float) -> list[Detection]:
        return []

    def follow(self, luma: Image, expected: Detection, *, closely: bool = True) -> Detection | None:
        near = [box for box in self.boxes if abs(box.x - expected.box.x) < 30]
        return Detection(near[0]) if near else None


class MarkedRun:
    """The marks of a run, frame by frame, as the worker keeps them."""

    def __init__(self, fps: float, *, keep_static: bool = False) -> None:
        self.fps, self.keep_static = fps, keep_static
        self.detector = KnownFaces()
        self.finder = TrackingDetector(self.detector)
        self.marks = TrackMarks(keep_static)
        self.frames = 0
        self.stored: dict[int, TrackMark] = {}
        self.static_at: dict[int, float] = {}
        self.shown: list[dict[int, TrackMark]] = []

    def show(self, *frames: Shown) -> "MarkedRun":
        for luma, boxes in frames:
            time_us = round(self.frames / self.fps * 1e6)
            self.detector.boxes = boxes
            faces = self.finder.detect(luma, time_us, 20)
            found = self.marks.judge(luma, time_us, self.finder, faces)
            self.stored |= {**found.of_faces, **found.changed}
            self.shown.append(dict(found.of_faces))
            for track_id, mark in found.changed.items():
                if mark is STATIC:
                    self.static_at.setdefault(track_id, time_us / 1e6)
            self.frames += 1
        return self

    def restore(self) -> "MarkedRun":
        """Continue as another worker does: from the states as JSON."""
        finder, marks = json.loads(json.dumps([self.finder.state(), self.marks.state()]))
        self.finder = TrackingDetector(self.detector, finder)
        self.marks = TrackMarks.restore(self.keep_static, marks)
        return self


@cache
def face(emotion: str = "neutral", side: int = 100) -> Picture:
    tile = cv2.imread(str(FACES / f"a-{emotion}.png"), cv2.IMREAD_GRAYSCALE)
    assert tile is not None
    return np.asarray(cv2.resize(tile, (side, side), interpolation=cv2.INTER_AREA), np.float32)


def room(tile: Picture | None = None, x: float = 100, y: float = 70) -> Picture:
    """Return a grey room with a face at (x, y), which may lie between pixels."""
    room = np.full((SIZE[1], SIZE[0]), 120, np.float32)
    room += np.linspace(-30, 30, SIZE[0], dtype=np.float32)
    if tile is not None:
        place = np.array([[1, 0, x], [0, 1, y]], np.float32)
        flags = cv2.INTER_LINEAR
        cv2.warpAffine(tile, place, SIZE, room, flags, cv2.BORDER_TRANSPARENT)
    return room


@cache
def noise(number: int) -> Picture:
    chance = np.random.default_rng(number)
    return chance.normal(0, 4.0, (SIZE[1], SIZE[0])).astype(np.float32)


def noisy(picture: Picture, number: int) -> Image:
    """Return the picture with the noise of a sensor; making it takes most of a test's time."""
    image: Image = np.clip(picture + noise(number % 23), 0, 255).astype(np.uint8)
    return image


BOX = Box(105, 75, 90, 90)
NOBODY: Shown = (noisy(room(), 0), ())


def still(frames: int, light: Callable[[int], float] = lambda _n: 1.0) -> Iterator[Shown]:
    """Show a photo of a face, with the noise of a sensor."""
    picture = room(face())
    return ((noisy(picture * light(n), n), [BOX]) for n in range(frames))


def sitting(frames: int, fps: float) -> Iterator[Shown]:
    """Show somebody who sits still: who breathes, and closes the eyes for 0.2 s in each 4 s."""
    open_, closed = face(), face().copy()
    # The lids: the row of the eyes has the brightness of the cheeks.
    closed[36:46, 18:82] = closed[56:66, 18:82].mean()
    for n in range(frames):
        time_s = n / fps
        tile = closed if time_s % 4 < 0.2 else open_
        breath = 0.4 * np.sin(2 * np.pi * time_s / 4)
        yield noisy(room(tile, 100, 70 + breath), n), [BOX]


def test_a_face_seen_in_one_frame_only_is_tentative() -> None:
    run = MarkedRun(25).show(NOBODY, NOBODY, *still(1), NOBODY, NOBODY)
    assert run.stored == {1: TENTATIVE}


def test_a_track_counts_from_its_second_frame_on() -> None:
    run = MarkedRun(25).show(NOBODY, NOBODY, *still(2))
    assert run.shown[-2:] == [{1: TENTATIVE}, {1: PERSON}]
    assert run.stored == {1: PERSON}


def test_a_face_of_the_first_frame_only_is_tentative_once_the_pace_is_known() -> None:
    run = MarkedRun(25).show(*still(1))
    assert run.stored == {1: PERSON}
    assert run.show(NOBODY).stored == {1: TENTATIVE}


@pytest.mark.parametrize(("fps", "mark"), [(1.0, TENTATIVE), (0.5, PERSON), (0.2, PERSON)])
def test_a_face_in_one_of_rare_frames_counts(fps: float, mark: TrackMark) -> None:
    run = MarkedRun(fps).show(NOBODY, NOBODY, *still(1), NOBODY, NOBODY)
    assert run.stored == {1: mark}


def test_the_only_frame_of_a_run_counts() -> None:
    assert MarkedRun(25).show(*still(1)).stored == {1: PERSON}


def test_a_still_picture_is_static_after_fifteen_seconds() -> None:
    run = MarkedRun(10).show(*still(200))
    assert run.stored == {1: STATIC}
    assert 15 <= run.static_at[1] < 16


@pytest.mark.parametrize("fps", [25, 5, 2, 1, 0.5])
def test_a_still_picture_is_static_at_any_frame_rate(fps: float) -> None:
    run = MarkedRun(fps).show(*still(round(35 * fps) + 2))
    assert run.stored == {1: STATIC}


def test_light_that_changes_slowly_does_not_bring_a_picture_to_life() -> None:
    run = MarkedRun(10).show(*still(400, lambda n: 0.8 + 0.2 * np.sin(n / 60)))
    assert run.stored == {1: STATIC}


def test_a_camera_that_shakes_does_not_bring_a_picture_to_life() -> None:
    chance = np.random.default_rng(3)
    tile = face()
    shaken = (
        (noisy(room(tile, 100 + dx, 70 + dy), n), [Box(105 + dx, 75 + dy, 90, 90)])
        for n, (dx, dy) in enumerate(chance.normal(0, 0.8, (700, 2)))
    )
    assert MarkedRun(10).show(*shaken).stored == {1: STATIC}


@pytest.mark.parametrize("fps", [10, 5])
def test_somebody_who_sits_still_is_a_person(fps: float) -> None:
    run = MarkedRun(fps).show(*sitting(round(100 * fps), fps))
    assert run.stored == {1: PERSON}


def test_a_picture_that_comes_to_life_is_a_new_track_of_a_person() -> None:
    run = MarkedRun(10).show(*still(200))
    smiles = ((noisy(room(face(["happy", "angry"][n // 3 % 2])), n), [BOX]) for n in range(60))
    run.show(*smiles)
    assert run.stored == {1: STATIC, 2: PERSON}
    lost_s = sum(marks == {1: STATIC} for marks in run.shown[200:]) / 10
    assert lost_s <= 0.7


def test_a_known_picture_is_static_at_first_sight() -> None:
    run = MarkedRun(10).show(*still(200), *[NOBODY] * 100, *still(10))
    assert run.shown[-1] == {2: STATIC}
    assert run.stored == {1: STATIC, 2: STATIC}


def test_a_picture_that_is_found_now_and_then_is_static_with_all_its_tracks() -> None:
    run = MarkedRun(10)
    for _ in range(10):
        run.show(*still(30), *[NOBODY] * 30)
    assert len(run.stored) == 10
    assert set(run.stored.values()) == {STATIC}


def test_whoever_stops_at_a_place_keeps_the_time_before() -> None:
    moving = (
        (noisy(room(face(), 60 + n % 40, 70), n), [Box(65 + n % 40, 75, 90, 90)])
        for n in range(200)
    )
    run = MarkedRun(10).show(*moving, *still(200))
    assert run.stored == {1: PERSON, 2: STATIC}


def test_pictures_count_if_pictures_are_what_is_analysed() -> None:
    run = MarkedRun(10, keep_static=True).show(*still(200))
    assert run.stored == {1: PERSON}


def test_marks_do_not_depend_on_the_worker_that_continues() -> None:
    def shown() -> list[Shown]:
        return [*still(170), *sitting(60, 10), *[NOBODY] * 5, *still(40)]

    whole = MarkedRun(10).show(*shown())
    for at in (1, 80, 151, 172, 236):
        frames = shown()
        cut = MarkedRun(10).show(*frames[:at]).restore().show(*frames[at:])
        assert cut.shown == whole.shown
        assert cut.stored == whole.stored


def test_the_state_is_bounded() -> None:
    run = MarkedRun(5)
    chance = np.random.default_rng(5)
    for number in range(400):
        x, y = chance.uniform(0, 220), chance.uniform(0, 140)
        run.show((noisy(room(face(side=60), x, y), number), [Box(x, y, 60, 60)]))
    assert len(json.dumps(run.marks.state())) < 40_000
