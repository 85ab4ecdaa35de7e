"""One run's analysis: detect, track, classify, smooth. A function of (state, frame) only.

The state is checkpointed with the rows, and nothing depends on batch sizes, backlog or clock:
whoever goes on from a checkpoint finds what the one before would have found.
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
from inference_worker.faces.detect import Detector
from inference_worker.faces.finder import FaceFinder
from inference_worker.faces.quality import FLOOR, face_quality
from inference_worker.faces.smoothing import smoothed
from inference_worker.faces.tracks import PATIENCE_US, Track

_STATE_VERSION: Final = 2
_MAX_DWELL_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A face in a frame, before it is classified. box: in display pixels."""

    track: Track
    box: Box
    crop: npt.NDArray[np.uint8]
    quality: float


@dataclass(frozen=True, slots=True)
class Sighting:
    """Frames in which the faces were found and followed, and not read yet."""

    frames: Sequence[FrameMessage]
    faces: Sequence[Sequence[SeenFace]]

    @property
    def crops(self) -> list[npt.NDArray[np.uint8]]:
        """What the classifier is to read: [48, 48] each, in order."""
        return [face.crop for faces in self.faces for face in faces]


class RunAnalyzer:
    """Analyses the frames of one run in order; `checkpoint` at any frame's end.

    `find` and `read` are the two halves of `analyze`: between them the faces of many runs can be
    classified in one batch.
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
        if state and state["version"] != _STATE_VERSION:
            state = None  # Another version's tracks: begin new ones rather than misread them.
        self._finder = FaceFinder(detector, state["finder"] if state else None)
        self._previous_us: int | None = state["previous_us"] if state else None

    def checkpoint(self) -> bytes:
        """All that the next frame's result depends on, as JSON."""
        state = {
            "version": _STATE_VERSION,
            "finder": self._finder.state(),
            "previous_us": self._previous_us,
        }
        return json.dumps(state, separators=(",", ":")).encode()

    def analyze(self, frames: Sequence[FrameMessage]) -> list[FrameResult]:
        """The frames' results."""
        sighting = self.find(frames)
        return self.read(sighting, classified(self._classifier, sighting.crops))

    def find(self, frames: Sequence[FrameMessage]) -> Sighting:
        """Detect and track the frames' faces."""
        return Sighting(frames, [self._find(frame) for frame in frames])

    def read(self, sighting: Sighting, probabilities: npt.NDArray[np.float64]) -> list[FrameResult]:
        """The results, given [N, 7] probabilities for the sighting's crops."""
        rows = iter(probabilities)
        return [
            self._result(frame, [(face, next(rows)) for face in faces])
            for frame, faces in zip(sighting.frames, sighting.faces, strict=True)
        ]

    def _find(self, frame: FrameMessage) -> list[SeenFace]:
        luma = np.frombuffer(frame.luma, np.uint8).reshape(frame.height, frame.width)
        scale_x = frame.display_width / frame.width
        scale_y = frame.display_height / frame.height
        min_side = self._options.min_face_px / scale_x
        seen = []
        for found in self._finder.find(luma, frame.media_time_us, min_side):
            crop = face_crop(luma, found.box, self._margin)
            box = found.box.scaled(scale_x, scale_y)
            quality = face_quality(crop, box.w)
            seen.append(SeenFace(found.track, _within(box, frame), crop, quality))
        return seen

    def _result(
        self, frame: FrameMessage, faces: list[tuple[SeenFace, npt.NDArray[np.float64]]]
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
            faces=tuple(self._face(frame.media_time_us, face, row) for face, row in faces),
        )

    def _face(self, time_us: int, seen: SeenFace, row: npt.NDArray[np.float64]) -> FaceResult:
        probabilities = tuple(row.tolist())
        trusted = seen.quality >= FLOOR
        over_time = (
            self._over_time(time_us, seen, probabilities)
            if trusted
            else _lately(seen.track, time_us)
        )
        return FaceResult(
            track_id=seen.track.track_id,
            box=seen.box,
            probabilities=probabilities,
            emotion=self._label(probabilities) if trusted else None,
            confidence=max(probabilities),
            smoothed_emotion=self._label(over_time) if over_time else None,
            smoothed_confidence=max(over_time or probabilities),
            quality=seen.quality,
        )

    def _over_time(
        self, time_us: int, seen: SeenFace, probabilities: tuple[float, ...]
    ) -> tuple[float, ...]:
        """The track's smoothed probabilities with this face taken in."""
        track = seen.track
        track.smoothed = smoothed(
            track.smoothed,
            probabilities,
            elapsed_s=max(time_us - track.smoothed_us, 0) / 1e6,
            time_constant_s=self._options.smoothing_s,
            weight=seen.quality,
        )
        track.smoothed_us = time_us
        return track.smoothed

    def _label(self, probabilities: Sequence[float]) -> str | None:
        best = max(probabilities)
        if best < self._uncertain_below:
            return None
        return EXPRESSIONS[probabilities.index(best)]


def classified(
    classifier: Classifier, crops: Sequence[npt.NDArray[np.uint8]]
) -> npt.NDArray[np.float64]:
    """[N, 7] probabilities of the crops."""
    return classifier.classify(np.stack(crops)) if crops else np.empty((0, 7))


def _lately(track: Track, time_us: int) -> tuple[float, ...] | None:
    """What was smoothed before a face became too poor to read: held for as long as a track is."""
    held = track.smoothed is not None and abs(time_us - track.smoothed_us) <= PATIENCE_US
    return track.smoothed if held else None


def _within(box: Box, frame: FrameMessage) -> Box:
    """The part of the box that is in the picture, to a tenth of a pixel."""
    left, top = max(box.x, 0.0), max(box.y, 0.0)
    right = min(box.x + box.w, float(frame.display_width))
    bottom = min(box.y + box.h, float(frame.display_height))
    return Box(round(left, 1), round(top, 1), round(right - left, 1), round(bottom - top, 1))
