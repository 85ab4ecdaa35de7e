"""RunAnalyzer: detection, tracking, classification and smoothing of one run's frames.

A function of (state, frame) only. The state is checkpointed with the rows, and nothing depends on
batch sizes, backlog or clock: a worker that continues from a checkpoint gets the results that its
predecessor would have got.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.analysis_spec import AnalysisOptions
from contracts.expressions import EXPRESSIONS
from contracts.frame_results import FaceResult, FrameResult
from contracts.frames import FrameMessage
from contracts.geometry import Box
from inference_worker.faces.classify import Classifier
from inference_worker.faces.crops import face_crop
from inference_worker.faces.detectors.detection import Detector
from inference_worker.faces.quality import LEAST_QUALITY, face_quality
from inference_worker.faces.smoothing import smoothed
from inference_worker.faces.tracking_detector import TrackingDetector
from inference_worker.faces.tracks import LOST_AFTER_US, Track

_CHECKPOINT_VERSION: Final = 2
_MAX_DWELL_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """A tracked face in a frame, before it is classified.

    box: in display pixels. crop: grey uint8 [48, 48]. quality: 0..1, see face_quality.
    """

    track: Track
    box: Box
    crop: npt.NDArray[np.uint8]
    quality: float


@dataclass(frozen=True, slots=True)
class DetectedFaces:
    """The faces of consecutive frames, before they are classified. faces: one list per frame."""

    frames: Sequence[FrameMessage]
    faces: Sequence[Sequence[DetectedFace]]

    @property
    def crops(self) -> list[npt.NDArray[np.uint8]]:
        """All crops, uint8 [48, 48] each, in the order of frames and faces."""
        return [face.crop for faces in self.faces for face in faces]


class RunAnalyzer:
    """Analyses the frames of one run in order; `checkpoint` is valid after any frame.

    `detect` and `smooth` are the two halves of `analyze`: between them, the crops of several runs
    can be classified in one batch.
    """

    def __init__(
        self,
        detector: Detector,
        classifier: Classifier,
        options: AnalysisOptions,
        checkpoint: bytes = b"",
    ) -> None:
        self._classifier = classifier
        self._options = options
        card = classifier.card
        self._margin = card.crop_margin
        threshold = options.uncertain_below
        self._uncertain_below = card.uncertain_below if threshold is None else threshold
        state = json.loads(checkpoint) if checkpoint else None
        if state and state["version"] != _CHECKPOINT_VERSION:
            state = None  # Start new tracks rather than misread those of another version.
        self._detector = TrackingDetector(detector, state["finder"] if state else None)
        self._previous_us: int | None = state["previous_us"] if state else None

    def checkpoint(self) -> bytes:
        """Return the state that the next frame's result depends on, as JSON."""
        state = {
            "version": _CHECKPOINT_VERSION,
            "finder": self._detector.state(),
            "previous_us": self._previous_us,
        }
        return json.dumps(state, separators=(",", ":")).encode()

    def analyze(self, frames: Sequence[FrameMessage]) -> list[FrameResult]:
        """Return the result of each frame."""
        detected = self.detect(frames)
        return self.smooth(detected, classify_crops(self._classifier, detected.crops))

    def detect(self, frames: Sequence[FrameMessage]) -> DetectedFaces:
        """Detect, track and crop the faces of the frames."""
        return DetectedFaces(frames, [self._detect(frame) for frame in frames])

    def smooth(
        self, detected: DetectedFaces, probabilities: npt.NDArray[np.float64]
    ) -> list[FrameResult]:
        """Return the frames' results, given [N, 7] probabilities for the detected crops."""
        rows = iter(probabilities)
        return [
            self._frame_result(frame, [(face, next(rows)) for face in faces])
            for frame, faces in zip(detected.frames, detected.faces, strict=True)
        ]

    def _detect(self, frame: FrameMessage) -> list[DetectedFace]:
        luma = np.frombuffer(frame.luma, np.uint8).reshape(frame.height, frame.width)
        scale_x = frame.display_width / frame.width
        scale_y = frame.display_height / frame.height
        min_side, zones = self._options.min_face_px / scale_x, self._options.zones
        faces = []
        for tracked in self._detector.detect(luma, frame.media_time_us, min_side, zones):
            crop = face_crop(luma, tracked.box, self._margin, tracked.track.roll)
            box = tracked.box.scaled(scale_x, scale_y)
            quality = face_quality(crop, box.w)
            faces.append(DetectedFace(tracked.track, _clipped(box, frame), crop, quality))
        return faces

    def _frame_result(
        self, frame: FrameMessage, faces: list[tuple[DetectedFace, npt.NDArray[np.float64]]]
    ) -> FrameResult:
        previous_us = frame.media_time_us if self._previous_us is None else self._previous_us
        gap_ms = max(frame.media_time_us - previous_us, 0) // 1000
        self._previous_us = frame.media_time_us
        return FrameResult(
            seq=frame.seq,
            frame_index=frame.frame_index,
            media_time_us=frame.media_time_us,
            captured_at_us=frame.captured_at_us,
            dwell_ms=min(gap_ms, _MAX_DWELL_MS),
            faces=tuple(self._face_result(frame.media_time_us, face, row) for face, row in faces),
        )

    def _face_result(
        self, time_us: int, face: DetectedFace, row: npt.NDArray[np.float64]
    ) -> FaceResult:
        probabilities = tuple(row.tolist())
        readable = face.quality >= LEAST_QUALITY
        smoothed_probabilities = (
            self._smoothed(time_us, face, probabilities)
            if readable
            else _recent_smoothed(face.track, time_us)
        )
        return FaceResult(
            track_id=face.track.track_id,
            box=face.box,
            probabilities=probabilities,
            emotion=self._label(probabilities) if readable else None,
            confidence=max(probabilities),
            smoothed_emotion=(
                self._label(smoothed_probabilities) if smoothed_probabilities else None
            ),
            smoothed_confidence=max(smoothed_probabilities or probabilities),
            quality=face.quality,
        )

    def _smoothed(
        self, time_us: int, face: DetectedFace, probabilities: tuple[float, ...]
    ) -> tuple[float, ...]:
        """Update the track with this face; return its smoothed probabilities."""
        track = face.track
        track.smoothed = smoothed(
            track.smoothed,
            probabilities,
            elapsed_s=max(time_us - track.smoothed_us, 0) / 1e6,
            time_constant_s=self._options.smoothing_s,
            weight=face.quality,
        )
        track.smoothed_us = time_us
        return track.smoothed

    def _label(self, probabilities: Sequence[float]) -> str | None:
        best = max(probabilities)
        if best < self._uncertain_below:
            return None
        return EXPRESSIONS[probabilities.index(best)]


def classify_crops(
    classifier: Classifier, crops: Sequence[npt.NDArray[np.uint8]]
) -> npt.NDArray[np.float64]:
    """Return [N, 7] probabilities of N crops; N may be 0."""
    return classifier.classify(np.stack(crops)) if crops else np.empty((0, len(EXPRESSIONS)))


def _recent_smoothed(track: Track, time_us: int) -> tuple[float, ...] | None:
    """Return a track's last smoothed probabilities, unless they are older than a lost track."""
    recent = track.smoothed is not None and abs(time_us - track.smoothed_us) <= LOST_AFTER_US
    return track.smoothed if recent else None


def _clipped(box: Box, frame: FrameMessage) -> Box:
    """Return the part of the box inside the frame, rounded to a tenth of a pixel."""
    left, top = max(box.x, 0.0), max(box.y, 0.0)
    right = min(box.x + box.w, float(frame.display_width))
    bottom = min(box.y + box.h, float(frame.display_height))
    return Box(round(left, 1), round(top, 1), round(right - left, 1), round(bottom - top, 1))
