"""Tracks: faces followed over time, matched by predicted position with the Hungarian method.

After SORT (Bewley et al., 2016). No biometrics: a face that returns after its track was lost is a
new track.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median_low
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.frame_results import FaceShape
from contracts.geometry import Box, HeadPose
from inference_worker.faces.detectors.detection import Detection
from inference_worker.faces.motion import Motion

LOST_AFTER_US: Final = 1_000_000
"""A track without a detection for longer than this is removed, unless frames are further apart."""
RESET_US: Final = 2_000_000
"""A gap or jump in media time that is longer than this ends all tracks, likewise."""
_PATIENT_FRAMES: Final = 2.5
"""A track survives two frames without a detection, at any frame rate."""
_GAPS: Final = 5
"""The pace is the median of so many gaps: an outage of a camera is not its pace."""
_NEAREST_GATE: Final = 0.5
_FARTHEST_GATE: Final = 1.5
_LEAST_SIZE_RATIO: Final = 0.55
_COASTING_WEIGHT: Final = 0.8
"""Weight of a track that was not detected in the last frame."""


@dataclass(slots=True)
class SmoothedReading:
    """The 7 smoothed probabilities of a track at media time time_us; None before the first.

    Frames are classified behind their detection: this may be batches older than its track.
    last: the 7 probabilities of its face when it was last read.
    """

    probabilities: tuple[float, ...] | None = None
    time_us: int = 0
    last: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """The findings of the last look at a face, besides its place. shape: None without landmarks."""

    quality: float
    shape: FaceShape | None = None


@dataclass(slots=True)
class Track:
    """One face over time. seen_us: media time at which it was last found or predicted.

    looked_us: media time of its last detection. roll, pose: of that detection; pose is None if it
    does not show it. again: that detection found it again. certain: it did so in the last frame.
    reading, look: what was read of it; the tracker never looks at them.
    """

    track_id: int
    motion: Motion
    seen_us: int
    roll: float = 0.0
    reading: SmoothedReading = field(default_factory=SmoothedReading)
    pose: HeadPose | None = None
    certain: bool = False
    again: bool = False
    looked_us: int = 0
    look: Look | None = None

    def state(self) -> dict[str, Any]:
        """Return the track as JSON values; floats keep their exact value."""
        return {
            "track_id": self.track_id,
            "motion": self.motion.state(),
            "seen_us": self.seen_us,
            "roll": self.roll,
            **reading_state(self.reading),
            "pose": None if self.pose is None else asdict(self.pose),
            "certain": self.certain,
            "again": self.again,
            "looked_us": self.looked_us,
            "look": None if self.look is None else asdict(self.look),
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> "Track":
        """Return the track with this `state`."""
        return cls(
            state["track_id"],
            Motion(**state["motion"]),
            state["seen_us"],
            state.get("roll", 0.0),  # Checkpoints of version 0.1 have none, and no pose.
            _restored_reading(state),
            None if state.get("pose") is None else HeadPose(**state["pose"]),
            state.get("certain", False),
            state.get("again", False),  # Earlier versions keep none of these.
            state.get("looked_us", state["seen_us"]),
            _restored_look(state.get("look")),
        )


def reading_state(reading: SmoothedReading) -> dict[str, Any]:
    """Return the reading as JSON values, under the names that a track's state has for them."""
    return {
        "smoothed": reading.probabilities,
        "smoothed_us": reading.time_us,
        "read": reading.last,
    }


def _restored_reading(state: dict[str, Any]) -> SmoothedReading:
    smoothed, last = state["smoothed"], state.get("read")
    return SmoothedReading(
        None if smoothed is None else tuple(smoothed),
        state["smoothed_us"],
        None if last is None else tuple(last),
    )


def _restored_look(state: dict[str, Any] | None) -> Look | None:
    if state is None:
        return None
    shape = state["shape"]
    if shape is None:
        return Look(state["quality"])
    return Look(
        state["quality"], FaceShape(**(shape | {"blendshapes": tuple(shape["blendshapes"])}))
    )


@dataclass(slots=True)
class Tracker:
    """The tracks of one run; a function of its state and the boxes of the next frame.

    gaps_us: the last gaps between frames, the newest at the end.
    """

    tracks: list[Track] = field(default_factory=list)
    next_id: int = 1
    time_us: int = 0
    gaps_us: list[int] = field(default_factory=list)

    def predict(self, time_us: int) -> None:
        """Move all tracks to the media time of the next frame, and remove lost tracks."""
        elapsed_us = time_us - self.time_us
        self.time_us = time_us
        if elapsed_us > 0:
            self.gaps_us = [*self.gaps_us, elapsed_us][-_GAPS:]
        patience_us = round(_PATIENT_FRAMES * median_low(self.gaps_us or [0]))
        if abs(elapsed_us) > max(RESET_US, patience_us):
            self.tracks = []
        for track in self.tracks:
            # If media time steps back a little, no track may be seen in the future.
            track.seen_us = min(track.seen_us, time_us)
            track.looked_us = min(track.looked_us, time_us)
            track.motion.predict(max(elapsed_us, 0) / 1e6)
        lost_after_us = max(LOST_AFTER_US, patience_us)
        self.tracks = [t for t in self.tracks if time_us - t.seen_us <= lost_after_us]

    def update(self, faces: Sequence[Detection]) -> list[Track]:
        """Return the track of each face, in the order of the faces; unmatched faces start one."""
        assigned = self._assign([face.box for face in faces])
        return [self._update_track(face, assigned.get(index)) for index, face in enumerate(faces)]

    @property
    def pace_us(self) -> int | None:
        """The usual gap between frames; None before the second frame."""
        return median_low(self.gaps_us) if self.gaps_us else None

    def renew(self, track: Track) -> None:
        """Give a track a new id: what follows is somebody else, or something else."""
        track.track_id, track.again = self.next_id, False  # So that it is not held, but read.
        self.next_id += 1

    def _update_track(self, face: Detection, track: Track | None) -> Track:
        if track is not None and face.predicted:
            track.seen_us, track.certain = self.time_us, False
            return track
        if track is None:
            track = Track(self.next_id, Motion.starting(face.box), self.time_us)
            self.next_id += 1
            self.tracks.append(track)
        else:
            track.motion.correct(face.box)
            track.seen_us, track.certain, track.again = self.time_us, True, True
        track.looked_us = self.time_us
        track.roll, track.pose = face.roll, face.pose
        return track

    def _assign(self, boxes: Sequence[Box]) -> dict[int, Track]:
        """Return the track by index in `boxes`, with the largest sum of affinities."""
        if not boxes or not self.tracks:
            return {}
        if len(boxes) == len(self.tracks) == 1:
            only = self.tracks[0]
            return {0: only} if affinity(only.motion, boxes[0]) > 0 else {}
        newest_us = max(track.seen_us for track in self.tracks)
        affinities = np.array(
            [
                [
                    affinity(t.motion, box) * (1 if t.seen_us == newest_us else _COASTING_WEIGHT)
                    for box in boxes
                ]
                for t in self.tracks
            ]
        )
        rows, columns = _best_pairs(affinities)
        return {
            int(column): self.tracks[row]
            for row, column in zip(rows, columns, strict=True)
            if affinities[row, column] > 0
        }

    def state(self) -> dict[str, Any]:
        """Return the tracker as JSON values; floats keep their exact value."""
        return {
            "next_id": self.next_id,
            "time_us": self.time_us,
            "gaps_us": self.gaps_us,
            "tracks": [track.state() for track in self.tracks],
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> "Tracker":
        """Return the tracker with this `state`."""
        tracks = [Track.restore(values) for values in state["tracks"]]
        return cls(tracks, state["next_id"], state["time_us"], state.get("gaps_us", []))


def _best_pairs(
    affinities: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the rows and columns of the pairs with the largest sum; others have an affinity of 0.

    Where faces are apart, each is near one track at most, and nothing has to be chosen.
    """
    near = affinities > 0
    if near.sum(axis=0).max() <= 1 and near.sum(axis=1).max() <= 1:
        rows, columns = np.nonzero(near)
        return rows, columns
    # Imported here: it takes a second of CPU time.
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(affinities, maximize=True)
    return rows, columns


def affinity(predicted: Motion, box: Box) -> float:
    """Return how well a box continues a track, from 0 (cannot) to 2.

    The sum of the overlap and of nearness times likeness in size. A box is out of reach beyond
    three standard deviations of the predicted position; this gate is at least half a face and at
    most one and a half faces wide.
    """
    side = (predicted.w + box.w) / 2
    size_ratio = min(predicted.w, box.w) / max(predicted.w, box.w)
    gate = min(max(predicted.reach / side, _NEAREST_GATE), _FARTHEST_GATE)
    off_x = box.x + box.w / 2 - predicted.x
    off_y = box.y + box.h / 2 - predicted.y
    distance = math.hypot(off_x, off_y) / side
    if distance > gate or size_ratio < _LEAST_SIZE_RATIO:
        return 0.0
    return size_ratio * (1 - distance / (2 * _FARTHEST_GATE)) + predicted.box.iou(box)
