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

from contracts.emotions import EMOTIONS
from contracts.frames import FrameMessage
from contracts.geometry import Box
from contracts.jobs import AnalysisOptions
from contracts.results import FaceResult, FrameResult
from inference_worker.classify import Classifier
from inference_worker.crops import face_crop
from inference_worker.detect import Detector
from inference_worker.quality import FLOOR, face_quality
from inference_worker.smoothing import smoothed
from inference_worker.tracks import Track, Tracker

_STATE_VERSION: Final = 1
_SEARCH_EVERY_FRAMES: Final = 12
_SEARCH_EVERY_US: Final = 500_000
_MAX_DWELL_MS: Final = 1000
_SAME_FACE_IOU: Final = 0.3


@dataclass(frozen=True, slots=True)
class _Seen:
    """A face in a frame, before it is classified. box: in pixels of the message's luma."""

    track: Track
    box: Box
    crop: npt.NDArray[np.uint8]
    quality: float


class RunAnalyzer:
    """Analyses the frames of one run in order; `checkpoint` at any frame's end."""

    def __init__(
        self,
        detector: Detector,
        classifier: Classifier,
        options: AnalysisOptions,
        checkpoint: bytes = b"",
    ) -> None:
        self._detector = detector
        self._classifier = classifier
        self._options = options
        card = classifier.card
        self._margin = card.crop_margin
        threshold = options.uncertain_below
        self._uncertain_below = card.uncertain_below if threshold is None else threshold
        state = json.loads(checkpoint) if checkpoint else None
        if state and state["version"] != _STATE_VERSION:
            state = None  # Another version's tracks: begin new ones rather than misread them.
        self._tracker = Tracker.restore(state["tracker"]) if state else Tracker()
        self._frames_since_search: int = state["frames_since_search"] if state else 0
        self._searched_us: int | None = state["searched_us"] if state else None
        self._previous_us: int | None = state["previous_us"] if state else None

    def checkpoint(self) -> bytes:
        """All that the next frame's result depends on, as JSON."""
        return json.dumps(
            {
                "version": _STATE_VERSION,
                "tracker": self._tracker.state(),
                "frames_since_search": self._frames_since_search,
                "searched_us": self._searched_us,
                "previous_us": self._previous_us,
            },
            separators=(",", ":"),
        ).encode()

    def analyze(self, frames: Sequence[FrameMessage]) -> list[FrameResult]:
        """The frames' results. Their faces are classified together, in one batch."""
        seen = [self._find(frame) for frame in frames]
        crops = [face.crop for faces in seen for face in faces]
        probabilities = self._classifier.classify(np.stack(crops)) if crops else np.empty((0, 7))
        rows = iter(probabilities)
        return [
            self._result(frame, [(face, next(rows)) for face in faces])
            for frame, faces in zip(frames, seen, strict=True)
        ]

    def _find(self, frame: FrameMessage) -> list[_Seen]:
        """Faces of one frame: the tracks' windows, or from time to time the whole picture."""
        luma = np.frombuffer(frame.luma, np.uint8).reshape(frame.height, frame.width)
        self._tracker.predict(frame.media_time_us)
        boxes = self._boxes(luma, frame)
        tracks = self._tracker.update(boxes)
        scale = frame.display_width / frame.width
        faces = []
        for track, box in zip(tracks, boxes, strict=True):
            crop = face_crop(luma, box, self._margin)
            faces.append(_Seen(track, box, crop, face_quality(crop, box.w * scale)))
        return sorted(faces, key=lambda face: face.track.track_id)

    def _boxes(self, luma: npt.NDArray[np.uint8], frame: FrameMessage) -> list[Box]:
        tracks = self._tracker.tracks
        due = (
            self._searched_us is None
            or self._frames_since_search >= _SEARCH_EVERY_FRAMES
            or abs(frame.media_time_us - self._searched_us) >= _SEARCH_EVERY_US
        )
        followed: list[Box] = []
        for track in tracks:
            box = self._detector.follow(luma, track.box)
            if box is None:
                due = True  # Lost: it may have moved farther than its window.
            elif all(box.iou(other) < _SAME_FACE_IOU for other in followed):
                followed.append(box)
        self._frames_since_search += 1
        if not due:
            return sorted(followed)
        self._frames_since_search, self._searched_us = 0, frame.media_time_us
        min_side = self._options.min_face_px * frame.width / frame.display_width
        searched = self._detector.search(luma, max(min_side, 1.0))
        new = [
            box
            for box in searched
            if all(box.iou(other) < _SAME_FACE_IOU for other in followed)
        ]
        return sorted(followed + new)

    def _result(
        self, frame: FrameMessage, faces: list[tuple[_Seen, npt.NDArray[np.float64]]]
    ) -> FrameResult:
        dwell_ms = 0
        if self._previous_us is not None:
            gap_ms = max(frame.media_time_us - self._previous_us, 0) // 1000
            dwell_ms = min(gap_ms, _MAX_DWELL_MS)
        self._previous_us = frame.media_time_us
        return FrameResult(
            seq=frame.seq,
            frame_index=frame.frame_index,
            media_time_us=frame.media_time_us,
            captured_at_us=frame.captured_at_us,
            dwell_ms=dwell_ms,
            faces=tuple(self._face(frame, face, row) for face, row in faces),
        )

    def _face(
        self, frame: FrameMessage, seen: _Seen, row: npt.NDArray[np.float64]
    ) -> FaceResult:
        track, probabilities = seen.track, tuple(float(p) for p in row)
        track.smoothed = smoothed(
            track.smoothed,
            probabilities,
            elapsed_s=max(frame.media_time_us - track.smoothed_us, 0) / 1e6,
            time_constant_s=self._options.smoothing_s,
            weight=seen.quality,
        )
        track.smoothed_us = frame.media_time_us
        scaled = seen.box.scaled(
            frame.display_width / frame.width, frame.display_height / frame.height
        )
        best, best_smoothed = max(probabilities), max(track.smoothed)
        return FaceResult(
            track_id=track.track_id,
            box=Box(*(round(v, 1) for v in (scaled.x, scaled.y, scaled.w, scaled.h))),
            probabilities=probabilities,
            emotion=self._label(probabilities, seen.quality),
            confidence=best,
            smoothed_emotion=self._label(track.smoothed, 1.0),
            smoothed_confidence=best_smoothed,
            quality=seen.quality,
        )

    def _label(self, probabilities: Sequence[float], quality: float) -> str | None:
        best = max(probabilities)
        if best < self._uncertain_below or quality < FLOOR:
            return None
        return EMOTIONS[list(probabilities).index(best)]
