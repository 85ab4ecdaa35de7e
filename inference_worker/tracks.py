"""Tracks: a Kalman filter for each face, assigned by IoU with the Hungarian method.

After SORT (Bewley et al., 2016): constant velocity, noise in proportion to the face's size.
No biometrics: a face that was away for longer than the patience is a new track.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from contracts.geometry import Box

Vector = npt.NDArray[np.float64]

_PATIENCE_US: Final = 1_000_000
_RESET_US: Final = 2_000_000
_MIN_SCORE: Final = 0.1
_POSITION_NOISE: Final = 0.06  # Of the face's side: Haar boxes jitter by about that much.
_ACCELERATION_NOISE: Final = 2.0  # Sides a second, per root second.
_INITIAL_SPEED: Final = 1.0  # Sides a second.


@dataclass(slots=True)
class Track:
    """One face: centre x, y, width, height, and their speeds a second (mean, covariance)."""

    track_id: int
    mean: Vector
    covariance: Vector
    seen_us: int
    smoothed: tuple[float, ...] | None = None
    smoothed_us: int = 0

    @property
    def box(self) -> Box:
        x, y, w, h = (float(value) for value in self.mean[:4])
        w, h = max(w, 1.0), max(h, 1.0)
        return Box(x - w / 2, y - h / 2, w, h)

    def predict(self, elapsed_s: float) -> None:
        """Move on by that much time."""
        move = np.eye(8)
        move[:4, 4:] = np.eye(4) * elapsed_s
        noise = np.zeros(8)
        side = max(float(self.mean[2]), 1.0)
        noise[4:] = (_ACCELERATION_NOISE * side) ** 2 * elapsed_s
        noise[:4] = noise[4:] * elapsed_s**2 / 3
        self.mean = move @ self.mean
        self.covariance = move @ self.covariance @ move.T + np.diag(noise)

    def correct(self, box: Box, time_us: int) -> None:
        """Take in a measured box."""
        noise = np.eye(4) * (_POSITION_NOISE * box.w) ** 2
        shared = self.covariance[:4, :4] + noise
        gain = np.linalg.solve(shared, self.covariance[:4, :]).T
        self.mean = self.mean + gain @ (_measure(box) - self.mean[:4])
        self.covariance = self.covariance - gain @ self.covariance[:4, :]
        self.seen_us = time_us


@dataclass(slots=True)
class Tracker:
    """The tracks of one run. A function of its state and the boxes it is given."""

    tracks: list[Track] = field(default_factory=list)
    next_id: int = 1
    time_us: int | None = None

    def predict(self, time_us: int) -> None:
        """Move all tracks to the time of the next frame; forget those not seen for long."""
        if self.time_us is not None:
            elapsed_us = max(time_us - self.time_us, 0)
            if elapsed_us > _RESET_US:
                self.tracks = []
            for track in self.tracks:
                track.predict(elapsed_us / 1e6)
        self.tracks = [t for t in self.tracks if time_us - t.seen_us <= _PATIENCE_US]
        self.time_us = time_us

    def update(self, boxes: Sequence[Box]) -> list[Track]:
        """The track of each box, in the order of the boxes; new faces begin new tracks."""
        assert self.time_us is not None
        assigned = self._assign(boxes)
        found = []
        for place, box in enumerate(boxes):
            track = assigned.get(place)
            if track is None:
                track = self._begin(box)
            else:
                track.correct(box, self.time_us)
            found.append(track)
        return found

    def _assign(self, boxes: Sequence[Box]) -> dict[int, Track]:
        if not boxes or not self.tracks:
            return {}
        scores = np.array([[_score(t.box, box) for box in boxes] for t in self.tracks])
        rows, columns = linear_sum_assignment(-scores)
        return {
            int(column): self.tracks[row]
            for row, column in zip(rows, columns, strict=True)
            if scores[row, column] >= _MIN_SCORE
        }

    def _begin(self, box: Box) -> Track:
        assert self.time_us is not None
        spread = np.repeat([_POSITION_NOISE * box.w, _INITIAL_SPEED * box.w], 4) ** 2
        mean = np.concatenate([_measure(box), np.zeros(4)])
        track = Track(self.next_id, mean, np.diag(spread), self.time_us)
        self.next_id += 1
        self.tracks.append(track)
        return track

    def state(self) -> dict[str, Any]:
        """All of it as JSON values; floats come back exactly."""
        return {
            "next_id": self.next_id,
            "time_us": self.time_us,
            "tracks": [
                {
                    "track_id": t.track_id,
                    "mean": t.mean.tolist(),
                    "covariance": t.covariance.tolist(),
                    "seen_us": t.seen_us,
                    "smoothed": t.smoothed,
                    "smoothed_us": t.smoothed_us,
                }
                for t in self.tracks
            ],
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> "Tracker":
        """The tracker that `state` was taken from."""
        tracks = [
            Track(
                values["track_id"],
                np.array(values["mean"]),
                np.array(values["covariance"]),
                values["seen_us"],
                tuple(values["smoothed"]) if values["smoothed"] else None,
                values["smoothed_us"],
            )
            for values in state["tracks"]
        ]
        return cls(tracks, state["next_id"], state["time_us"])


def _measure(box: Box) -> Vector:
    return np.array([box.x + box.w / 2, box.y + box.h / 2, box.w, box.h])


def _score(predicted: Box, found: Box) -> float:
    """IoU, and where boxes just miss each other, nearness within one side and alike in size."""
    overlap = predicted.iou(found)
    if overlap > 0:
        return 0.2 + 0.8 * overlap
    side = (predicted.w + found.w) / 2
    distance = max(
        abs(predicted.x + predicted.w / 2 - found.x - found.w / 2),
        abs(predicted.y + predicted.h / 2 - found.y - found.h / 2),
    )
    alike = min(predicted.w, found.w) / max(predicted.w, found.w)
    return 0.2 * alike * max(0.0, 1.5 - distance / side) if alike > 0.6 else 0.0
