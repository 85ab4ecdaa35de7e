"""Face detectors behind one interface. Haar cascades first: no weights to fetch, no network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from contracts.errors import SettingsError
from contracts.geometry import Box

Image = npt.NDArray[np.uint8]

_SEARCH_SIDE: Final = 480
_WINDOW_FACE_PX: Final = 48.0
_WINDOW_REACH: Final = 0.45
_SMALLEST_CASCADE_PX: Final = 20


class Detector(Protocol):
    """Finds faces. `id` pins a run to it: another id may find other faces."""

    @property
    def id(self) -> str: ...

    def search(self, luma: Image, min_side: float) -> list[Box]:
        """All faces of at least `min_side` pixels, sorted by box, in pixels of `luma`."""

    def follow(self, luma: Image, expected: Box) -> Box | None:
        """The face near where one is expected, of about its size; None when it is not there."""


class HaarDetector:
    """Viola-Jones cascades (OpenCV). On one thread: two return faces in any order."""

    def __init__(self, detector_id: str, cascades: Sequence[str]) -> None:
        cv2.setNumThreads(1)
        self.id = detector_id
        folder = Path(cv2.data.haarcascades)
        self._cascades = [cv2.CascadeClassifier(str(folder / name)) for name in cascades]

    def search(self, luma: Image, min_side: float) -> list[Box]:
        # Halving the picture halves the smallest face that can be found: not below 20 pixels.
        scale = min(1.0, max(_SEARCH_SIDE / max(luma.shape), _SMALLEST_CASCADE_PX / min_side))
        small = _shrunk(luma, scale)
        least = max(_SMALLEST_CASCADE_PX, round(min_side * scale))
        found: list[Box] = []
        for cascade in self._cascades:
            for x, y, w, h in cascade.detectMultiScale(
                small, scaleFactor=1.1, minNeighbors=4, minSize=(least, least)
            ):
                box = Box(x / scale, y / scale, w / scale, h / scale)
                if all(box.iou(other) < 0.3 for other in found):
                    found.append(box)
        return sorted(found)

    def follow(self, luma: Image, expected: Box) -> Box | None:
        side = max(expected.w, expected.h)
        reach = side * _WINDOW_REACH
        x0, y0 = max(0, int(expected.x - reach)), max(0, int(expected.y - reach))
        x1, y1 = int(expected.x + expected.w + reach), int(expected.y + expected.h + reach)
        window = luma[y0 : max(y1, 0), x0 : max(x1, 0)]
        if min(window.shape) < _SMALLEST_CASCADE_PX:
            return None
        scale = min(1.0, _WINDOW_FACE_PX / side)
        small = _shrunk(window, scale)
        least, most = round(side * scale * 0.75), round(side * scale * 1.35)
        best: Box | None = None
        for cascade in self._cascades:
            for x, y, w, h in cascade.detectMultiScale(
                small,
                scaleFactor=1.1,
                minNeighbors=3,
                minSize=(least, least),
                maxSize=(most, most),
            ):
                box = Box(x0 + x / scale, y0 + y / scale, w / scale, h / scale)
                if best is None or (box.iou(expected), box) > (best.iou(expected), best):
                    best = box
            if best is not None:
                break
        return best


_CASCADES: Final = {
    "haar": ("haar-alt2/1", ("haarcascade_frontalface_alt2.xml",)),
    "haar-profile": (
        "haar-alt2-profile/1",
        ("haarcascade_frontalface_alt2.xml", "haarcascade_profileface.xml"),
    ),
}


def detector_id(name: str) -> str:
    """The id that runs are pinned to when they are analysed with the detector `name`."""
    return _CASCADES[name][0]


def make_detector(pinned_id: str) -> Detector:
    """The detector of that id. Raises SettingsError for one that this version has not."""
    for known, cascades in _CASCADES.values():
        if known == pinned_id:
            return HaarDetector(known, cascades)
    raise SettingsError(f"no detector {pinned_id!r} in this version of moodline")


def _shrunk(image: Image, scale: float) -> Image:
    if scale >= 1.0:
        return np.ascontiguousarray(image)
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)
