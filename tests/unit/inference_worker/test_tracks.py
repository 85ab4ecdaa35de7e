"""Tracks: matching of faces over time, and restoring from a checkpoint."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from contracts.geometry import Box
from inference_worker.faces.detectors.detection import Detection
from inference_worker.faces.motion import Motion
from inference_worker.faces.tracks import LOST_AFTER_US, RESET_US, Tracker, _best_pairs

FRAME_US = 66_667

boxes = st.builds(
    Box,
    st.floats(0, 600),
    st.floats(0, 300),
    st.floats(30, 120),
    st.floats(30, 120),
)
frames = st.lists(st.lists(boxes, max_size=4), max_size=12)


def face(x: float, y: float = 100.0, side: float = 80.0) -> Box:
    return Box(x - side / 2, y - side / 2, side, side)


def track_ids(tracker: Tracker, time_us: int, *found: Box) -> list[int]:
    tracker.predict(time_us)
    return [track.track_id for track in tracker.update([Detection(box) for box in found])]


@settings(deadline=None)  # The first match imports scipy, which takes a second.
@given(frames, frames)
def test_a_restored_tracker_behaves_like_the_original(
    before: list[list[Box]], after: list[list[Box]]
) -> None:
    tracker = Tracker()
    for number, found in enumerate(before):
        track_ids(tracker, number * FRAME_US, *found)
    restored = Tracker.restore(json.loads(json.dumps(tracker.state())))

    for number, found in enumerate(after, len(before)):
        time_us = number * FRAME_US
        assert track_ids(restored, time_us, *found) == track_ids(tracker, time_us, *found)
    assert restored.state() == tracker.state()


@settings(deadline=None)
@given(frames)
def test_each_face_in_a_frame_has_its_own_track(many: list[list[Box]]) -> None:
    tracker = Tracker()
    for number, found in enumerate(many):
        ids = track_ids(tracker, number * FRAME_US, *found)
        assert len(set(ids)) == len(found)


def test_two_faces_that_cross_keep_their_ids() -> None:
    tracker = Tracker()
    for number in range(60):
        right, left = face(100 + 8 * number, y=100), face(580 - 8 * number, y=190)
        assert track_ids(tracker, number * FRAME_US, right, left) == [1, 2]


def test_two_faces_in_any_order_keep_their_ids() -> None:
    tracker = Tracker()
    assert track_ids(tracker, 0, face(100), face(300)) == [1, 2]
    assert track_ids(tracker, FRAME_US, face(302), face(101)) == [2, 1]


def test_a_briefly_hidden_face_keeps_its_id() -> None:
    tracker = Tracker()
    for number in range(5):
        track_ids(tracker, number * FRAME_US, face(100 + 2 * number))
    assert track_ids(tracker, 5 * FRAME_US) == []

    assert track_ids(tracker, 10 * FRAME_US, face(120)) == [1]


@given(
    st.integers(1, 5).flatmap(
        lambda columns: st.lists(
            st.lists(
                st.sampled_from([0.0, 0.0, 0.0, 0.4, 1.1, 1.7]), min_size=columns, max_size=columns
            ),
            min_size=1,
            max_size=5,
        )
    )
)
def test_the_pairs_are_those_of_the_largest_sum(rows: list[list[float]]) -> None:
    """They are the only ones where every face is near one track at most."""
    affinities = np.array(rows) * np.arange(1, len(rows) + 1)[:, None]
    found = [pair for pair in zip(*_best_pairs(affinities), strict=True) if affinities[pair]]
    best = list(zip(*linear_sum_assignment(affinities, maximize=True), strict=True))
    assert sum(affinities[pair] for pair in found) == pytest.approx(
        sum(affinities[pair] for pair in best)
    )
    if ((affinities > 0).sum(axis=0) <= 1).all() and ((affinities > 0).sum(axis=1) <= 1).all():
        assert set(found) == {pair for pair in best if affinities[pair]}


def test_faces_that_are_apart_are_followed_without_a_search_for_the_best_pairs() -> None:
    """The library for it takes a second to be imported, in which cameras would wait."""
    code = (
        "import sys\n"
        "from contracts.geometry import Box\n"
        "from inference_worker.faces.detectors.detection import Detection\n"
        "from inference_worker.faces.tracks import Tracker\n"
        "tracker = Tracker()\n"
        "for number in range(3):\n"
        "    tracker.predict(number * 40_000)\n"
        "    tracks = tracker.update([Detection(Box(x, 50, 80, 80)) for x in (20, 240, 460)])\n"
        "assert [track.track_id for track in tracks] == [1, 2, 3]\n"
        "assert 'scipy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_face_that_returns_after_its_track_was_lost_is_a_new_track() -> None:
    tracker = Tracker()
    track_ids(tracker, 0, face(100))

    for time_us in range(FRAME_US, LOST_AFTER_US + 2 * FRAME_US, FRAME_US):
        track_ids(tracker, time_us)

    assert track_ids(tracker, LOST_AFTER_US + 3 * FRAME_US, face(100)) == [2]


def test_a_gap_in_media_time_ends_all_tracks() -> None:
    tracker = Tracker()
    for frame in range(4):
        track_ids(tracker, frame * FRAME_US, face(100))
    assert track_ids(tracker, 3 * FRAME_US + RESET_US + 1, face(100)) == [2]


@pytest.mark.parametrize("fps", [1.0, 0.999, 0.9, 0.5, 0.2, 1 / 30])
def test_a_face_keeps_its_track_at_a_low_frame_rate(fps: float) -> None:
    """The version before began a track a frame: its patience of 1 s ended before the next."""
    tracker = Tracker()
    found = [track_ids(tracker, round(n * 1e6 / fps), face(100)) for n in range(20)]
    assert found == [[1]] * 20
    assert track_ids(tracker, round(20e6 / fps)) == []
    assert track_ids(tracker, round(21e6 / fps), face(100)) == [1], "one frame without the face"


def test_a_face_out_of_reach_is_a_new_track() -> None:
    tracker = Tracker()
    track_ids(tracker, 0, face(100))
    assert track_ids(tracker, FRAME_US, face(400)) == [2]


def test_motion_predicts_constant_velocity() -> None:
    motion = Motion.starting(face(100))
    for number in range(1, 20):
        motion.predict(FRAME_US / 1e6)
        motion.correct(face(100 + 6 * number))

    motion.predict(FRAME_US / 1e6)

    assert math.isclose(motion.x, 100 + 6 * 20, abs_tol=2)


def test_time_without_detections_increases_the_reach() -> None:
    motion = Motion.starting(face(100))
    near = motion.reach
    motion.predict(0.5)
    assert motion.reach > 2 * near
