"""DetectedFaces: what detection hands on to classification, and its part of the checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from contracts.frame_results import FaceShape, TrackMark
from contracts.frames import FrameMessage
from contracts.geometry import Box, HeadPose
from contracts.runs import CHECKPOINT_LOOKS
from inference_worker.faces.tracks import SmoothedReading, Track, reading_state


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """A tracked face in a frame, before it is classified.

    track_id, mark: of its track as of this frame; the track itself may be frames ahead. box: in
    display pixels. crop: grey uint8, of the model card's side; None if the face is held, and keeps
    its last reading. quality: 0..1, see face_quality. pose: None if the detector does not show it.
    shape: None without landmarks.
    """

    track: Track
    track_id: int
    mark: TrackMark
    box: Box
    crop: npt.NDArray[np.uint8] | None
    quality: float
    pose: HeadPose | None
    shape: FaceShape | None


@dataclass(frozen=True, slots=True)
class DetectionState:
    """The state of detection after a frame, as JSON values: tracks and searches, and looks.

    readings: of its tracks, in their order; they are written when the frame is smoothed.
    """

    finder: dict[str, Any]
    looks: dict[str, Any]
    readings: Sequence[SmoothedReading]

    def checkpoint(self) -> dict[str, Any]:
        """Return the state with the readings as they are now, by the names of a checkpoint."""
        tracker = self.finder["tracker"]
        tracks = [
            track | reading_state(reading)
            for track, reading in zip(tracker["tracks"], self.readings, strict=True)
        ]
        finder = self.finder | {"tracker": tracker | {"tracks": tracks}}
        return {"finder": finder, CHECKPOINT_LOOKS: self.looks}


@dataclass(frozen=True, slots=True)
class DetectedFaces:
    """The faces of consecutive frames, before they are classified.

    faces: one list per frame. marks: per frame, the tracks whose mark changed with it. state:
    after the last frame.
    """

    frames: Sequence[FrameMessage]
    faces: Sequence[Sequence[DetectedFace]]
    marks: Sequence[Mapping[int, TrackMark]] = ()
    state: DetectionState | None = None

    @property
    def crops(self) -> list[npt.NDArray[np.uint8]]:
        """All crops, uint8 [side, side] each, in the order of frames and faces."""
        return [face.crop for faces in self.faces for face in faces if face.crop is not None]
