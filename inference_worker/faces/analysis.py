"""RunAnalyzer: detection, tracking, classification and smoothing of one run's frames.

A function of (state, frame) only. The state is checkpointed with the rows, and nothing depends on
batch sizes, backlog or clock: a worker that continues from a checkpoint gets the results that its
predecessor would have got.

Detection never reads what was classified. So one thread can detect faces while another classifies
those of earlier frames: each half has a state of its own.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.analysis_spec import AnalysisOptions
from contracts.expressions import EXPRESSIONS
from contracts.frame_results import FaceResult, FaceShape, FrameResult, LabelRevision, TrackMark
from contracts.frames import FrameMessage
from contracts.geometry import Box
from contracts.runs import CHECKPOINT_LOOKS
from inference_worker.faces.classify import Classifier
from inference_worker.faces.crops import face_crop
from inference_worker.faces.detected_faces import DetectedFace, DetectedFaces, DetectionState
from inference_worker.faces.detectors.detection import Detector
from inference_worker.faces.dwell import dwell_ms
from inference_worker.faces.landmarks.landmarker import Landmarker
from inference_worker.faces.quality import LEAST_QUALITY, face_quality
from inference_worker.faces.readings.centred import CentredReading
from inference_worker.faces.readings.smoothing import smoothed
from inference_worker.faces.track_marks import TrackMarks
from inference_worker.faces.tracking_detector import TrackingDetector
from inference_worker.faces.tracks import LOST_AFTER_US, Look, SmoothedReading

_CHECKPOINT_VERSION: Final = 2

Probabilities = tuple[float, ...]
"""Seven, in the order of EXPRESSIONS."""


class RunAnalyzer:
    """Analyses the frames of one run in order; `checkpoint` is valid after any frame.

    `detect` and `smooth` are the two halves of `analyze`: between them, the crops of several runs
    can be classified in one batch. `detect` may be batches ahead, in a thread of its own.
    landmarker: for runs whose options want landmarks.
    """

    def __init__(
        self,
        detector: Detector,
        classifier: Classifier,
        options: AnalysisOptions,
        checkpoint: bytes = b"",
        landmarker: Landmarker | None = None,
    ) -> None:
        self._classifier = classifier
        self._options = options
        self._landmarker = landmarker if options.landmarks else None
        card = classifier.card
        self._framing = card.framing
        threshold = options.uncertain_below
        self._uncertain_below = card.uncertain_below if threshold is None else threshold
        state = json.loads(checkpoint) if checkpoint else None
        if state and state["version"] != _CHECKPOINT_VERSION:
            state = None  # Start new tracks rather than misread those of another version.
        # Checkpoints of version 0.1 have no marks, nor has one whose looks were erased.
        marks = state.get(CHECKPOINT_LOOKS) if state else None
        self._detector = TrackingDetector(
            detector,
            state["finder"] if state else None,
            hold_us=round(options.hold_s * 1e6),
            looks=marks,
        )
        self._marks = TrackMarks.restore(options.keep_static, marks)
        self._previous_us: int | None = state["previous_us"] if state else None
        self._centred = CentredReading(options.window_s, self._label) if options.window_s else None
        if self._centred is not None and state:
            self._centred.restore(state["centred"])
        self._smoothed_state = self._detection_state()

    def checkpoint(self) -> bytes:
        """Return the state after the frames that were last smoothed, as JSON."""
        state = {
            "version": _CHECKPOINT_VERSION,
            **self._smoothed_state.checkpoint(),
            "previous_us": self._previous_us,
        }
        if self._centred is not None:
            state["centred"] = self._centred.state()
        return json.dumps(state, separators=(",", ":")).encode()

    def analyze(self, frames: Sequence[FrameMessage]) -> list[FrameResult]:
        """Return the result of each frame."""
        detected = self.detect(frames)
        return self.smooth(detected, classify_crops(self._classifier, detected.crops))

    def detect(self, frames: Sequence[FrameMessage]) -> DetectedFaces:
        """Detect, track and crop the faces of the frames."""
        found = [self._detect(frame) for frame in frames]
        return DetectedFaces(
            frames,
            [faces for faces, _ in found],
            [marks for _, marks in found],
            self._detection_state(),
        )

    def smooth(
        self, detected: DetectedFaces, probabilities: npt.NDArray[np.float64]
    ) -> list[FrameResult]:
        """Return the frames' results, given [N, 7] probabilities for the detected crops."""
        rows = iter(map(tuple, probabilities.tolist()))
        results = [
            self._frame_result(frame, [(face, _reading(face, rows)) for face in faces], marks)
            for frame, faces, marks in zip(
                detected.frames, detected.faces, detected.marks, strict=True
            )
        ]
        if detected.state is not None:
            self._smoothed_state = detected.state
        return results

    def expects_search(self, frames: Sequence[FrameMessage]) -> bool:
        """Return whether a search of a whole picture is probably due within these frames."""
        return bool(frames) and self._detector.expects_search(frames[-1].media_time_us)

    def finish(self) -> tuple[LabelRevision, ...]:
        """Return the labels that become final if the run ends here. Changes nothing."""
        return () if self._centred is None else self._centred.finish()

    def _detection_state(self) -> DetectionState:
        looks = self._marks.state() | self._detector.looks()
        return DetectionState(self._detector.state(), looks, self._detector.readings)

    def _detect(self, frame: FrameMessage) -> tuple[list[DetectedFace], Mapping[int, TrackMark]]:
        """Return the faces by track_id, and the marks that changed."""
        luma = np.frombuffer(frame.luma, np.uint8).reshape(frame.height, frame.width)
        scale_x = frame.display_width / frame.width
        scale_y = frame.display_height / frame.height
        min_side, zones = self._options.min_face_px / scale_x, self._options.zones
        found = self._detector.detect(luma, frame.media_time_us, min_side, zones)
        marks = self._marks.judge(luma, frame.media_time_us, self._detector, found)
        faces = []
        for tracked in sorted(found, key=lambda one: one.track.track_id):
            track, crop, look = tracked.track, None, tracked.track.look
            box, pose = tracked.box.scaled(scale_x, scale_y), track.pose
            if not tracked.held or look is None:
                crop = face_crop(luma, tracked.box, self._framing, track.roll)
                quality = face_quality(crop, box.w, pose)
                shape = self._shape(luma, tracked.box, track.roll, quality)
                look = track.look = Look(quality, shape)
            mark, place = marks.of_faces[track.track_id], _clipped(box, frame)
            face = DetectedFace(
                track, track.track_id, mark, place, crop, look.quality, pose, look.shape
            )
            faces.append(face)
        return faces, marks.changed

    def _shape(
        self, luma: npt.NDArray[np.uint8], box: Box, roll: float, quality: float
    ) -> FaceShape | None:
        if self._landmarker is None or quality < LEAST_QUALITY:
            return None
        return self._landmarker.read(luma, box, roll)

    def _frame_result(
        self,
        frame: FrameMessage,
        faces: list[tuple[DetectedFace, Probabilities]],
        marks: Mapping[int, TrackMark],
    ) -> FrameResult:
        previous_us, self._previous_us = self._previous_us, frame.media_time_us
        result = FrameResult(
            seq=frame.seq,
            frame_index=frame.frame_index,
            media_time_us=frame.media_time_us,
            captured_at_us=frame.captured_at_us,
            dwell_ms=dwell_ms(frame, previous_us),
            dwells_ahead=frame.dwell_us is not None,
            faces=tuple(self._face_result(frame.media_time_us, face, row) for face, row in faces),
            marks=marks,
        )
        if self._centred is None:
            return result
        return replace(result, revisions=self._centred.add(result))

    def _face_result(
        self, time_us: int, face: DetectedFace, probabilities: Probabilities
    ) -> FaceResult:
        readable = face.quality >= LEAST_QUALITY
        smoothed_probabilities = (
            self._smoothed(time_us, face, probabilities)
            if readable
            else _recent(face.track.reading, time_us)
        )
        return FaceResult(
            track_id=face.track_id,
            box=face.box,
            probabilities=probabilities,
            emotion=self._label(probabilities) if readable else None,
            confidence=max(probabilities),
            smoothed_emotion=(
                self._label(smoothed_probabilities) if smoothed_probabilities else None
            ),
            smoothed_confidence=max(smoothed_probabilities or probabilities),
            quality=face.quality,
            mark=face.mark,
            pose=face.pose,
            shape=face.shape,
        )

    def _smoothed(
        self, time_us: int, face: DetectedFace, probabilities: Probabilities
    ) -> Probabilities:
        """Update the track with this face; return its smoothed probabilities."""
        reading = face.track.reading
        reading.probabilities = smoothed(
            reading.probabilities,
            probabilities,
            elapsed_s=max(time_us - reading.time_us, 0) / 1e6,
            time_constant_s=self._options.smoothing_s,
            weight=face.quality,
        )
        reading.time_us = time_us
        return reading.probabilities

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


def _reading(face: DetectedFace, rows: Iterator[Probabilities]) -> Probabilities:
    """Return the face's probabilities: the next row, or those that it keeps."""
    reading = face.track.reading
    if face.crop is not None:
        reading.last = next(rows)
    assert reading.last is not None, "a face is held only after it was read"
    return reading.last


def _recent(reading: SmoothedReading, time_us: int) -> tuple[float, ...] | None:
    """Return a track's last smoothed probabilities, unless they are older than a lost track."""
    return reading.probabilities if abs(time_us - reading.time_us) <= LOST_AFTER_US else None


def _clipped(box: Box, frame: FrameMessage) -> Box:
    """Return the part of the box inside the frame, rounded to a tenth of a pixel."""
    left, top = max(box.x, 0.0), max(box.y, 0.0)
    right = min(box.x + box.w, float(frame.display_width))
    bottom = min(box.y + box.h, float(frame.display_height))
    return Box(round(left, 1), round(top, 1), round(right - left, 1), round(bottom - top, 1))
