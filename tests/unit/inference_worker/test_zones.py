"""Zones and the smallest face: which faces of a frame have rows and tracks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from contracts.geometry import Box
from contracts.zones.zone import Zone, ZoneKind, Zones
from inference_worker.faces.detectors.detection import Detection, Image
from inference_worker.faces.detectors.schedule import SearchSchedule
from inference_worker.faces.tracking_detector import TrackedFace, TrackingDetector

FRAME = np.zeros((720, 1280), np.uint8)
STEP_US = 100_000
LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
INCLUDE_LEFT = (Zone(ZoneKind.INCLUDE, "left", LEFT_HALF),)
EXCLUDE_LEFT = (Zone(ZoneKind.EXCLUDE, "left", LEFT_HALF),)
MASK_LEFT = (Zone(ZoneKind.MASK, "left", LEFT_HALF),)


@dataclass
class Scripted:
    """A detector that finds the faces that are there. followed: how often it followed one."""

    id: str = "scripted"
    faces: list[Box] = field(default_factory=list)
    followed: int = 0
    schedule: SearchSchedule = field(default_factory=SearchSchedule)

    def search(self, luma: Image, min_side: float, *, thorough: bool) -> list[Detection]:
        return [Detection(box) for box in self.faces if box.w >= min_side]

    def search_turned(self, luma: Image, min_side: float) -> list[Detection]:
        return []

    def follow(self, luma: Image, expected: Detection, *, closely: bool = True) -> Detection | None:
        self.followed += 1
        near = [box for box in self.faces if box.iou(expected.box) > 0.2]
        return Detection(near[0]) if near else None


def square(x: float, side: float = 100.0) -> Box:
    """A face with its centre at x, y = 360."""
    return Box(x - side / 2, 360 - side / 2, side, side)


def tracked(
    detector: Scripted, frames: Sequence[Sequence[Box]], zones: Zones, min_side: float = 24.0
) -> Iterator[list[TrackedFace]]:
    finder = TrackingDetector(detector)
    for number, faces in enumerate(frames):
        detector.faces = list(faces)
        yield finder.detect(FRAME, number * STEP_US, min_side, zones)


@pytest.mark.parametrize(
    ("zones", "expected"),
    [((), [300, 900]), (INCLUDE_LEFT, [300]), (EXCLUDE_LEFT, [900]), (MASK_LEFT, [900])],
)
def test_a_face_counts_where_its_centre_is(zones: Zones, expected: list[int]) -> None:
    (faces,) = tracked(Scripted(), [[square(300), square(900)]], zones)
    assert [round(face.box.x + face.box.w / 2) for face in faces] == expected


def test_a_face_on_the_border_counts_once_in_zones_side_by_side() -> None:
    at_border = [[square(640, 101)]]
    inside, outside = (
        sum(map(len, tracked(Scripted(), at_border, zones)))
        for zones in (INCLUDE_LEFT, EXCLUDE_LEFT)
    )
    assert inside + outside == 1


def test_nothing_follows_a_face_that_never_counts() -> None:
    """A television in an excluded zone costs a search, and no more."""
    detector = Scripted()
    assert not any(tracked(detector, [[square(300)]] * 20, EXCLUDE_LEFT))
    assert detector.followed == 0


def test_a_track_ends_where_the_zone_ends() -> None:
    """Given a face that walks out of the zone and back 3 seconds later, it is two tracks."""
    walk = [*range(400, 900, 50), *[900] * 30, *range(900, 400, -50), *[400] * 10]
    frames = list(tracked(Scripted(), [[square(x)] for x in walk], INCLUDE_LEFT))
    seen = {face.track.track_id: None for faces in frames for face in faces}
    assert list(seen) == [1, 2]
    assert all(face.box.x + face.box.w / 2 <= 700 for faces in frames for face in faces)
    assert not any(frames[8:40])


def test_a_face_smaller_than_the_smallest_is_left_out_and_does_not_flicker() -> None:
    """Given a smallest face of 80 pixels, one of 90 that shrinks counts down to 60."""
    sides = [90, 85, 78, 70, 62, 55, 50, 45]
    shrinking = [[square(300, side)] for side in sides]
    counts = [len(faces) for faces in tracked(Scripted(), shrinking, (), min_side=80.0)]
    assert counts == [1, 1, 1, 1, 1, 0, 0, 0]
    never = [[square(300, 70)]] * 10
    assert not any(tracked(Scripted(), never, (), min_side=80.0))
