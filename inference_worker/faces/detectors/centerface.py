"""CenterFace on LiteRT: finds faces of any pose, and follows them in small upright windows.

Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point" (2019).
`training/face_detector.py` made the file; thresholds and sizes were chosen with
benchmarks/detectors.py.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from contracts.geometry import Box
from inference_worker.faces.detectors.detection import (
    Detection,
    Image,
    Window,
    detection_from_points,
    distinct,
    same_face,
    shrunk,
    upright_window,
)
from inference_worker.faces.detectors.head_pose import FacePoints
from inference_worker.faces.detectors.litert import Floats, Network
from inference_worker.faces.detectors.network_files import NETWORKS, read_network
from inference_worker.faces.detectors.schedule import SearchSchedule
from runtime.decoding.opencv import cv2

_CELL_PX: Final = 4
_MULTIPLE: Final = 32
"""The sides of the network's input are multiples of this."""
_THOROUGH_PX: Final = 640
_TURNED_PX: Final = 320
"""The longer side to which a picture is shrunk for a thorough and for a turned search."""
_LEAST_SCORE: Final = 0.48
_TURNS: Final = (-45.0, 45.0, -90.0, 90.0)
"""Degrees of roll at which faces are searched for that lie or are tilted far."""
_QUARTERS: Final = {-90.0: -1, 90.0: 1}
"""Turns that move pixels only, and how often numpy's rot90 is applied for each."""
_TILTED: Final = 10.0
"""Degrees of roll from which the network's points misstate it."""
_FARTHEST: Final = 0.5
"""Distance of a followed face from its expected centre, in sides of its box."""
_SIZES: Final = (0.6, 1.6)


@dataclass(frozen=True, slots=True)
class WindowSize:
    """A window in which a face is followed: its side in pixels, and in sides of the face's box."""

    px: int
    reach: float


@dataclass(frozen=True, slots=True)
class CenterFaceSpec:
    """The parameters of a CenterFaceDetector; another spec has another id.

    quick_px: the longer side to which a picture is shrunk for a quick search.
    windows: those in which a followed face is looked for, one after the other until it is found.
    The last one is the most exact. window_score: least score of a face there. exact_quarters: turn
    by 90 degrees without interpolation, in a picture that has no more pixels than an upright one.
    """

    id: str
    schedule: SearchSchedule
    quick_px: int
    windows: tuple[WindowSize, ...]
    window_score: float
    exact_quarters: bool = False


_SCHEDULE: Final = SearchSchedule(
    idle_us=500_000,
    quick_us=1_000_000,
    thorough_us=5_000_000,
    turned_us=6_000_000,
    lost_us=400_000,
    predicted_us=70_000,
)
CENTERFACE: Final = CenterFaceSpec(
    "centerface/4",
    replace(_SCHEDULE, turned_doublings=3, quick_still_us=4_000_000, thorough_still_us=20_000_000),
    320,
    (WindowSize(64, 1.6), WindowSize(128, 2.0)),
    0.2,
    exact_quarters=True,
)
"""A window of 64 pixels takes a third of the time of one of 128, and finds nine of ten faces."""
SPECS: Final = {
    one.id: one
    for one in (
        CENTERFACE,
        replace(CENTERFACE, id="centerface/3", schedule=replace(_SCHEDULE, turned_doublings=3)),
        replace(CENTERFACE, id="centerface/2", schedule=_SCHEDULE, exact_quarters=False),
        CenterFaceSpec("centerface/1", SearchSchedule(), 320, (WindowSize(128, 2.0),), 0.3),
    )
}
"""By id; runs of earlier versions are pinned to the later ones."""


@dataclass(frozen=True, slots=True)
class _Scored:
    """A face in pixels of the network's input, and its score of 0 to 1."""

    face: Detection
    score: float


class CenterFaceDetector:
    """See Detector. Raises ModelError if its file is missing or damaged."""

    def __init__(self, spec: CenterFaceSpec = CENTERFACE) -> None:
        cv2.setNumThreads(1)
        self._spec = spec
        # A change of the input's size sets up all buffers again: 1 ms among windows, most of which
        # have the first size, and up to half the time of a search among whole pictures. Each
        # network takes 10 MB at least.
        files = read_network(NETWORKS / "centerface")
        self._quick = Network(files)
        self._thorough = Network(files)
        self._following = Network(files)

    @property
    def id(self) -> str:
        return self._spec.id

    @property
    def schedule(self) -> SearchSchedule:
        return self._spec.schedule

    def search(self, luma: Image, min_side: float, *, thorough: bool) -> list[Detection]:
        """See Detector."""
        found = (
            _search(self._thorough, luma, _THOROUGH_PX)
            if thorough
            else _search(self._quick, luma, self._spec.quick_px)
        )
        return self._result(luma, found, min_side)

    def search_turned(self, luma: Image, min_side: float) -> list[Detection]:
        """See Detector. Searches the picture four times, turned to each side."""
        height, width = luma.shape
        side = math.hypot(height, width)
        whole = Box((width - side) / 2, (height - side) / 2, side, side)
        small = shrunk(luma, min(1.0, _TURNED_PX / max(luma.shape)))
        found: list[Detection] = []
        for roll in _TURNS:
            if self._spec.exact_quarters and roll in _QUARTERS:
                window = _quarter_turned(luma, small, roll)
            else:
                window = upright_window(luma, whole, roll, 1.0, _TURNED_PX)
            # It is as rare as a thorough search, which it follows.
            inside = _search(self._thorough, window.pixels, _TURNED_PX)
            found += [window.detection(one, roll) for one in inside]
        return self._result(luma, distinct(found), min_side)

    def follow(self, luma: Image, expected: Detection, *, closely: bool = True) -> Detection | None:
        """See Detector. Returns the face of the highest score near the middle of a window."""
        sizes = self._spec.windows if closely else self._spec.windows[:1]
        windows = (self._look(luma, expected, size) for size in sizes)
        return next((face for face in windows if face is not None), None)

    def _look(self, luma: Image, expected: Detection, size: WindowSize) -> Detection | None:
        window = upright_window(luma, expected.box, expected.roll, size.reach, size.px)
        answer = self._following(_picture(window.pixels))
        for one in _decoded(answer, self._spec.window_score):
            if _is_expected(one.face.box, size):
                return window.detection(one.face, expected.roll)
        return None

    def _result(self, luma: Image, found: list[Detection], min_side: float) -> list[Detection]:
        """Return the large faces. Tilted ones are looked at again in an upright window."""
        faces = []
        for one in found:
            sure = self._upright(luma, one) if abs(one.roll) > _TILTED else one
            if sure is not None and sure.box.w >= min_side:
                faces.append(sure)
        return sorted(faces)

    def _upright(self, luma: Image, found: Detection) -> Detection | None:
        """Return a tilted face as a second look at it, turned upright, shows it; None if lost."""
        window = self._spec.windows[-1]
        once = self._look(luma, found, window)
        return once and (self._look(luma, once, window) or once)


def _search(network: Network, luma: Image, longest_px: int) -> list[Detection]:
    """Return the faces of a picture, which is shrunk to this longer side."""
    small = shrunk(luma, min(1.0, longest_px / max(luma.shape)))
    x, y = luma.shape[1] / small.shape[1], luma.shape[0] / small.shape[0]
    found = _distinct(_decoded(network(_picture(small)), _LEAST_SCORE))
    return [replace(one, box=one.box.scaled(x, y)) for one in found]


def _quarter_turned(luma: Image, small: Image, roll: float) -> Window:
    """Return the whole picture turned upright. small: the same picture, shrunk."""
    height, width = luma.shape
    x, y = width / small.shape[1], height / small.shape[0]
    pixels = np.ascontiguousarray(np.rot90(small, _QUARTERS[roll]))
    rows = [[0, -x, width], [y, 0, 0]] if roll > 0 else [[0, x, 0], [-y, 0, height]]
    return Window(pixels, np.array(rows, np.float64))


def _distinct(found: Iterator[_Scored]) -> list[Detection]:
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


def _is_expected(box: Box, size: WindowSize) -> bool:
    """Return whether a face of the window has the place and size of the one that is followed."""
    side = size.px / size.reach
    off = math.hypot(box.x + box.w / 2 - size.px / 2, box.y + box.h / 2 - size.px / 2)
    return off <= _FARTHEST * side and _SIZES[0] <= box.w / side <= _SIZES[1]


def _decoded(answer: dict[str, Floats], least_score: float) -> Iterator[_Scored]:
    """Yield the faces of all cells above the score, the highest first, in the input's pixels."""
    scores = answer["score"][..., 0]
    rows, columns = np.nonzero(scores > least_score)
    order = np.lexsort((columns, rows, -scores[rows, columns]))
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        height, width = (np.exp(answer["size"][row, column]) * _CELL_PX).tolist()
        down, right = answer["offset"][row, column].tolist()
        left = (column + right + 0.5) * _CELL_PX - width / 2
        top = (row + down + 0.5) * _CELL_PX - height / 2
        points = answer["points"][row, column].reshape(5, 2).tolist()
        found = FacePoints(*((left + x * width, top + y * height) for y, x in points))
        face = detection_from_points(found)
        yield _Scored(face, float(scores[row, column]))


def _padded(side: int) -> int:
    return -(-side // _MULTIPLE) * _MULTIPLE
