"""CenterFace on LiteRT: finds faces of any pose, and follows them in small upright windows.

Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point" (2019).
`training/face_detector.py` made the file; thresholds and sizes were chosen with
benchmarks/detectors.py.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.geometry import Box
from inference_worker.faces.detectors.detection import (
    Detection,
    Image,
    Point,
    detection_from_points,
    distinct,
    same_face,
    scaled,
    upright_window,
)
from inference_worker.faces.detectors.litert import NETWORKS, Floats, Network
from runtime.decoding.opencv import cv2

_CELL_PX: Final = 4
_MULTIPLE: Final = 32
"""The sides of the network's input are multiples of this."""
_THOROUGH_PX: Final = 640
_QUICK_PX: Final = 320
"""The longer side to which a picture is shrunk for a search."""
_LEAST_SCORE: Final = 0.48
_TURNS: Final = (-45.0, 45.0, -90.0, 90.0)
"""Degrees of roll at which faces are searched for that lie or are tilted far."""
_TILTED: Final = 10.0
"""Degrees of roll from which the network's points misstate it."""
_WINDOW_PX: Final = 128
_WINDOW_REACH: Final = 2.0
"""Side of the window in which a face is followed, in sides of its box."""
_WINDOW_SCORE: Final = 0.3
_FARTHEST: Final = 0.5
"""Distance of a followed face from its expected centre, in sides of its box."""
_SIZES: Final = (0.6, 1.6)


@dataclass(frozen=True, slots=True)
class _Scored:
    """A face in pixels of the network's input, and its score of 0 to 1."""

    face: Detection
    score: float


class CenterFaceDetector:
    """See Detector. Raises ModelError if its file is missing or damaged."""

    def __init__(self) -> None:
        # Two interpreters: a change of the input's size sets up all buffers again.
        self._searching = Network(NETWORKS / "centerface")
        self._following = Network(NETWORKS / "centerface")

    @property
    def id(self) -> str:
        return "centerface/1"

    def search(self, luma: Image, min_side: float, *, thorough: bool) -> list[Detection]:
        """See Detector."""
        longest_px = _THOROUGH_PX if thorough else _QUICK_PX
        return self._result(luma, self._search(luma, longest_px), min_side)

    def search_turned(self, luma: Image, min_side: float) -> list[Detection]:
        """See Detector. Searches the picture four times, turned to each side."""
        height, width = luma.shape
        side = math.hypot(height, width)
        whole = Box((width - side) / 2, (height - side) / 2, side, side)
        found: list[Detection] = []
        for roll in _TURNS:
            window = upright_window(luma, whole, roll, 1.0, _QUICK_PX)
            found += [window.detection(one, roll) for one in self._search(window.pixels, _QUICK_PX)]
        return self._result(luma, distinct(found), min_side)

    def follow(self, luma: Image, expected: Detection) -> Detection | None:
        """See Detector. Returns the face of the highest score near the middle of a window."""
        window = upright_window(luma, expected.box, expected.roll, _WINDOW_REACH, _WINDOW_PX)
        for one in _decoded(self._following(_picture(window.pixels)), _WINDOW_SCORE):
            if _is_expected(one.face.box):
                return window.detection(one.face, expected.roll)
        return None

    def _result(self, luma: Image, found: list[Detection], min_side: float) -> list[Detection]:
        """Return the large faces. Tilted ones are looked at again in an upright window."""
        faces = []
        for one in found:
            sure = self.follow(luma, one) if abs(one.roll) > _TILTED else one
            if sure is not None and sure.box.w >= min_side:
                faces.append(sure)
        return sorted(faces)

    def _search(self, luma: Image, longest_px: int) -> list[Detection]:
        small = scaled(luma, min(1.0, longest_px / max(luma.shape)), cv2.INTER_AREA)
        x, y = luma.shape[1] / small.shape[1], luma.shape[0] / small.shape[0]
        found = _distinct(_decoded(self._searching(_picture(small)), _LEAST_SCORE))
        return [Detection(one.box.scaled(x, y), one.roll) for one in found]


def _distinct(found: list[_Scored]) -> list[Detection]:
    """Return the faces without those that one of a higher score covers."""
    kept: list[Detection] = []
    for one in found:
        if not any(same_face(one.face.box, other.box) for other in kept):
            kept.append(one.face)
    return kept


def _picture(luma: Image) -> Floats:
    """Return the network's input: the picture, and black up to the next valid size."""
    height, width = luma.shape
    picture = np.zeros((_padded(height), _padded(width), 1), np.float32)
    picture[:height, :width, 0] = luma
    return picture


def _is_expected(box: Box) -> bool:
    """Return whether a face of the window has the place and size of the one that is followed."""
    side = _WINDOW_PX / _WINDOW_REACH
    off = math.hypot(box.x + box.w / 2 - _WINDOW_PX / 2, box.y + box.h / 2 - _WINDOW_PX / 2)
    return off <= _FARTHEST * side and _SIZES[0] <= box.w / side <= _SIZES[1]


def _decoded(answer: dict[str, Floats], least_score: float) -> list[_Scored]:
    """Return the faces of all cells above the score, in pixels of the network's input."""
    scores = answer["score"][..., 0]
    rows, columns = np.nonzero(scores > least_score)
    order = np.lexsort((columns, rows, -scores[rows, columns]))
    faces = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        height, width = (np.exp(answer["size"][row, column]) * _CELL_PX).tolist()
        down, right = answer["offset"][row, column].tolist()
        left = (column + right + 0.5) * _CELL_PX - width / 2
        top = (row + down + 0.5) * _CELL_PX - height / 2
        points = answer["points"][row, column].reshape(5, 2).tolist()
        found = [(left + x * width, top + y * height) for y, x in points]
        face = detection_from_points(found[0], found[1], _middle(found[3], found[4]))
        faces.append(_Scored(face, float(scores[row, column])))
    return faces


def _middle(one: Point, other: Point) -> Point:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2


def _padded(side: int) -> int:
    return -(-side // _MULTIPLE) * _MULTIPLE
