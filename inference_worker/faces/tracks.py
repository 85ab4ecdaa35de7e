"""Tracks: one face over time, assigned by predicted place with the Hungarian method.

After SORT (Bewley et al., 2016). No biometrics: a face that was away for longer than the
patience is a new track.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from contracts.geometry import Box
from inference_worker.faces.motion import Motion

PATIENCE_US: Final = 1_000_000
RESET_US: Final = 2_000_000
_NEAREST_GATE: Final = 0.5
_FARTHEST_GATE: Final = 1.5
_LEAST_ALIKE: Final = 0.55
_COASTING_WORTH: Final = 0.8


@dataclass(slots=True)
class Track:
    """One face. smoothed: its probabilities over its recent time, as of smoothed_us."""

    track_id: int
    motion: Motion
    seen_us: int
    smoothed: tuple[float, ...] | None = None
    smoothed_us: int = 0

    def state(self) -> dict[str, Any]:
        """As JSON values; floats come back exactly."""
        return {
            "track_id": self.track_id,
            "motion": self.motion.state(),
            "seen_us": self.seen_us,
            "smoothed": self.smoothed,
            "smoothed_us": self.smoothed_us,
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> "Track":
        """The track that `state` was taken from."""
        smoothed = state["smoothed"]
        return cls(
            state["track_id"],
            Motion(**state["motion"]),
            state["seen_us"],
            None if smoothed is None else tuple(smoothed),
            state["smoothed_us"],
        )


@dataclass(slots=True)
class Tracker:
    """The tracks of one run. A function of its state and the boxes it is given."""

    tracks: list[Track] = field(default_factory=list)
    next_id: int = 1
    time_us: int = 0

    def predict(self, time_us: int) -> None:
        """Move all tracks to the time of the next frame; forget those not seen for long."""
        elapsed_us = time_us - self.time_us
        self.time_us = time_us
        if abs(elapsed_us) > RESET_US:
            self.tracks = []
        for track in self.tracks:
            # Where time steps back a little, nothing is seen in the future.
            track.seen_us = min(track.seen_us, time_us)
            track.motion.predict(max(elapsed_us, 0) / 1e6)
        self.tracks = [t for t in self.tracks if time_us - t.seen_us <= PATIENCE_US]

    def update(self, boxes: Sequence[Box]) -> list[Track]:
        """The track of each box, in the order of the boxes; new faces begin new tracks."""
        assigned = self._assign(boxes)
        return [self._take_in(box, assigned.get(place)) for place, box in enumerate(boxes)]

    def _take_in(self, box: Box, track: Track | None) -> Track:
        if track is None:
            track = Track(self.next_id, Motion.starting(box), self.time_us)
            self.next_id += 1
            self.tracks.append(track)
        else:
            track.motion.correct(box)
            track.seen_us = self.time_us
        return track

    def _assign(self, boxes: Sequence[Box]) -> dict[int, Track]:
        """Track by place in `boxes`: the assignment of the largest sum of affinities."""
        if not boxes or not self.tracks:
            return {}
        if len(boxes) == len(self.tracks) == 1:
            only = self.tracks[0]
            return {0: only} if affinity(only.motion, boxes[0]) > 0 else {}
        newest_us = max(track.seen_us for track in self.tracks)
        affinities = np.array(
            [
                [
                    affinity(t.motion, box) * (1 if t.seen_us == newest_us else _COASTING_WORTH)
                    for box in boxes
                ]
                for t in self.tracks
            ]
        )
        # Loaded here, as most recordings have one face and never need it: it takes a second.
        from scipy.optimize import linear_sum_assignment

        rows, columns = linear_sum_assignment(affinities, maximize=True)
        return {
            int(column): self.tracks[row]
            for row, column in zip(rows, columns, strict=True)
            if affinities[row, column] > 0
        }

    def state(self) -> dict[str, Any]:
        """All of it as JSON values; floats come back exactly."""
        return {
            "next_id": self.next_id,
            "time_us": self.time_us,
            "tracks": [track.state() for track in self.tracks],
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> "Tracker":
        """The tracker that `state` was taken from."""
        tracks = [Track.restore(values) for values in state["tracks"]]
        return cls(tracks, state["next_id"], state["time_us"])


def affinity(expected: Motion, found: Box) -> float:
    """How well a box continues a track: 0 (cannot) to 2. Overlap, nearness, likeness in size.

    A box is out of reach beyond three standard deviations of where the track may be, but at
    least half and at most one and a half faces away.
    """
    side = (expected.w + found.w) / 2
    alike = min(expected.w, found.w) / max(expected.w, found.w)
    gate = min(max(expected.reach / side, _NEAREST_GATE), _FARTHEST_GATE)
    off_x = found.x + found.w / 2 - expected.x
    off_y = found.y + found.h / 2 - expected.y
    distance = math.hypot(off_x, off_y) / side
    if distance > gate or alike < _LEAST_ALIKE:
        return 0.0
    return alike * (1 - distance / (2 * _FARTHEST_GATE)) + expected.box.iou(found)
