"""Analyzer: the interface between a worker and the analysis of one run's frames."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from contracts.frame_results import FrameResult, LabelRevision
from contracts.frames import FrameMessage
from inference_worker.faces.detected_faces import DetectedFaces


class Analyzer(Protocol):
    """Detection, tracking and smoothing of one run's frames, in order; see RunAnalyzer."""

    def detect(self, frames: Sequence[FrameMessage]) -> DetectedFaces: ...

    def smooth(
        self, detected: DetectedFaces, probabilities: npt.NDArray[np.float64]
    ) -> list[FrameResult]: ...

    def expects_search(self, frames: Sequence[FrameMessage]) -> bool: ...

    def finish(self) -> tuple[LabelRevision, ...]: ...

    def checkpoint(self) -> bytes: ...
