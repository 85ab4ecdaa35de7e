"""YuNet (OpenCV's FaceDetectorYN): finds faces in any light; its points do not show roll.

Wu et al., "YuNet: A Tiny Millisecond-level Face Detector" (2023). It needs a file that its owner
supplies; thresholds were chosen with benchmarks/detection_set.py.
"""

import math
from typing import Final

import numpy as np

from contracts.errors import ModelError
from inference_worker.faces.detectors.detection import (
    Detection,
    Image,
    detection_from_points,
    distinct,
    shrunk,
    upright_window,
)
from inference_worker.faces.detectors.head_pose import FacePoints
from inference_worker.faces.detectors.schedule import SearchSchedule
from inference_worker.faces.detectors.yunet_file import yunet_id
from runtime.decoding.opencv import cv2

_THOROUGH_PX: Final = 640
_QUICK_PX: Final = 320
"""The longer side to which a picture is shrunk for a search."""
_LEAST_SCORE: Final = 0.7
_OVERLAP: Final = 0.3
_MOST: Final = 500
_WINDOW_PX: Final = 128
_WINDOW_REACH: Final = 2.0
"""Side of the window in which a face is followed, in sides of its box."""
_WINDOW_SCORE: Final = 0.5
_FARTHEST: Final = 0.5
"""Distance of a followed face from its expected centre, in sides of its box."""
_SIZES: Final = (0.6, 1.6)


class YuNetDetector:
    """See Detector. Raises ModelError if OpenCV cannot read the weights."""

    def __init__(self, weights: bytes) -> None:
        cv2.setNumThreads(1)
        self._id = yunet_id(weights)
        self._searching = _network(weights, _LEAST_SCORE)
        self._following = _network(weights, _WINDOW_SCORE)
        self._following.setInputSize((_WINDOW_PX, _WINDOW_PX))

    @property
    def id(self) -> str:
        return self._id

    @property
    def schedule(self) -> SearchSchedule:
        return SearchSchedule(predicted_us=70_000)

    def search(self, luma: Image, min_side: float, *, thorough: bool) -> list[Detection]:
        """See Detector."""
        longest_px = _THOROUGH_PX if thorough else _QUICK_PX
        small = shrunk(luma, min(1.0, longest_px / max(luma.shape)))
        self._searching.setInputSize((small.shape[1], small.shape[0]))
        x, y = luma.shape[1] / small.shape[1], luma.shape[0] / small.shape[0]
        found = distinct(_found(self._searching, small))
        scaled = (Detection(one.box.scaled(x, y)) for one in found)
        return sorted(face for face in scaled if face.box.w >= min_side)

    def search_turned(self, luma: Image, min_side: float) -> list[Detection]:  # noqa: ARG002
        """See Detector. The points do not show roll, so that no crop could be turned upright."""
        return []

    def follow(
        self,
        luma: Image,
        expected: Detection,
        *,
        closely: bool = True,  # noqa: ARG002
    ) -> Detection | None:
        """See Detector. Returns the face of the highest score near the middle of a window."""
        window = upright_window(luma, expected.box, 0.0, _WINDOW_REACH, _WINDOW_PX)
        side = _WINDOW_PX / _WINDOW_REACH
        for one in _found(self._following, window.pixels):
            off_x = one.box.x + one.box.w / 2 - _WINDOW_PX / 2
            off_y = one.box.y + one.box.h / 2 - _WINDOW_PX / 2
            near = math.hypot(off_x, off_y) <= _FARTHEST * side
            if near and _SIZES[0] <= one.box.w / side <= _SIZES[1]:
                return window.detection(one, 0.0)
        return None


def _network(weights: bytes, least_score: float) -> cv2.FaceDetectorYN:
    content, nothing = np.frombuffer(weights, np.uint8), np.zeros(0, np.uint8)
    try:
        return cv2.FaceDetectorYN.create(
            "onnx", content, nothing, (64, 64), least_score, _OVERLAP, _MOST
        )
    except cv2.error as exc:
        raise ModelError(
            "OpenCV cannot read the file of detector yunet",
            hint="Run `moodline detector add yunet`, or set MOODLINE_YUNET_FILE to its ONNX file",
        ) from exc


def _found(network: cv2.FaceDetectorYN, luma: Image) -> list[Detection]:
    """Return the faces of a picture of the network's size, the highest score first."""
    _, rows = network.detect(np.asarray(cv2.cvtColor(luma, cv2.COLOR_GRAY2BGR), np.uint8))
    if rows is None:
        return []
    ranked = sorted(np.asarray(rows, np.float64).tolist(), key=lambda row: (-row[14], row))
    return [_detection(row) for row in ranked]


def _detection(row: list[float]) -> Detection:
    """Return the face of a row: box, five points, score. Only its place and size are kept."""
    points = FacePoints(*((row[at], row[at + 1]) for at in range(4, 14, 2)))
    return Detection(detection_from_points(points).box)
