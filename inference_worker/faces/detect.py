"""Face detectors behind one interface: Haar cascades, which need no download.

The parameters were chosen with benchmarks/detectors.py; docs/decisions has the alternatives.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from contracts.errors import SettingsError
from contracts.geometry import Box
from contracts.settings import DetectorName
from runtime.decoding.opencv import cv2

Image = npt.NDArray[np.uint8]

CASCADE_PX: Final = 20
"""The side of the smallest face that a frontal cascade can detect."""

_SAME_FACE: Final = 0.5


class Detector(Protocol):
    """Finds faces. Runs are pinned to its `id`: another id may find other faces."""

    @property
    def id(self) -> str: ...

    def search(self, luma: Image, min_side: float, *, thorough: bool) -> list[Box]:
        """Return the faces of at least `min_side` pixels, as sorted boxes in pixels of `luma`.

        luma: uint8 [height, width]. thorough: use finer steps in size; it takes a third more time
        and finds a third more faces.
        """

    def follow(self, luma: Image, expected: Box) -> Box | None:
        """Return the face near the expected box and of about its size, or None."""


@dataclass(frozen=True, slots=True)
class CascadeSteps:
    """Search effort of a cascade: ratio of one size to the next, and hits that make a face."""

    ratio: float
    neighbours: int


@dataclass(frozen=True, slots=True)
class HaarSpec:
    """The parameters of a HaarDetector; another spec has another id.

    window_face_px: side to which a followed face is scaled. window_reach: margin around the
    expected box that is searched, as a fraction of its side. window_sizes: smallest and largest
    face, as fractions of its side.
    """

    id: str
    cascade: str = "haarcascade_frontalface_alt2.xml"
    quick: CascadeSteps = CascadeSteps(1.2, 3)
    thorough: CascadeSteps = CascadeSteps(1.1, 4)
    window: CascadeSteps = CascadeSteps(1.2, 2)
    window_face_px: float = 48.0
    window_reach: float = 0.35
    window_sizes: tuple[float, float] = (0.75, 1.35)
    equalize: bool = False


class HaarDetector:
    """A Viola-Jones cascade (OpenCV), on one thread: two threads return faces in any order."""

    def __init__(self, spec: HaarSpec) -> None:
        cv2.setNumThreads(1)
        self._spec = spec
        folder = Path(cv2.data.haarcascades)  # type: ignore[attr-defined]
        self._cascade = cv2.CascadeClassifier(str(folder / spec.cascade))

    @property
    def id(self) -> str:
        return self._spec.id

    def search(self, luma: Image, min_side: float, *, thorough: bool) -> list[Box]:
        """See Detector. The frame is shrunk until the smallest face has the cascade's size."""
        scale = min(1.0, CASCADE_PX / min_side)
        small = _scaled(luma, scale, cv2.INTER_AREA)
        least = max(CASCADE_PX, round(min_side * scale))
        steps = self._spec.thorough if thorough else self._spec.quick
        return distinct(
            Box(x / scale, y / scale, w / scale, h / scale)
            for x, y, w, h in self._hits(small, steps, (least, max(small.shape)))
        )

    def follow(self, luma: Image, expected: Box) -> Box | None:
        """See Detector. Returns the nearest face in a window that is scaled to a fixed size."""
        spec = self._spec
        side = max(expected.w, expected.h)
        reach = side * spec.window_reach
        left, top = max(0, int(expected.x - reach)), max(0, int(expected.y - reach))
        right = max(0, int(expected.x + expected.w + reach))
        bottom = max(0, int(expected.y + expected.h + reach))
        window = luma[top:bottom, left:right]
        scale = min(1.0, spec.window_face_px / side)
        if min(window.shape) * scale < CASCADE_PX:
            return None
        small = _scaled(window, scale, cv2.INTER_LINEAR)
        least, most = (round(side * scale * size) for size in spec.window_sizes)
        boxes = [
            Box(left + x / scale, top + y / scale, w / scale, h / scale)
            for x, y, w, h in self._hits(small, spec.window, (max(CASCADE_PX, least), most))
        ]
        return max(boxes, key=lambda box: (box.iou(expected), box), default=None)

    def _hits(
        self, image: Image, steps: CascadeSteps, sizes: tuple[int, int]
    ) -> list[tuple[int, int, int, int]]:
        """Return (x, y, w, h) in pixels of `image`, those with the most hits first."""
        if self._spec.equalize:
            image = np.asarray(cv2.equalizeHist(image), np.uint8)
        boxes, counts = self._cascade.detectMultiScale2(
            image,
            scaleFactor=steps.ratio,
            minNeighbors=steps.neighbours,
            minSize=(sizes[0], sizes[0]),
            maxSize=(sizes[1], sizes[1]),
        )
        ranked = sorted(
            (-int(count), *(int(value) for value in box))
            for count, box in zip(counts, boxes, strict=True)
        )
        return [(x, y, w, h) for _, x, y, w, h in ranked]


_SPECS: Final = {
    DetectorName.HAAR: HaarSpec("haar-alt2/1"),
    DetectorName.HAAR_EQUALIZED: HaarSpec("haar-alt2-equalized/1", equalize=True),
}


def detector_id(name: DetectorName) -> str:
    """Return the id to which runs with the detector `name` are pinned."""
    return _SPECS[name].id


def make_detector(pinned_id: str) -> Detector:
    """Return the detector of that id. Raises SettingsError if this version does not have it."""
    for spec in _SPECS.values():
        if spec.id == pinned_id:
            return HaarDetector(spec)
    raise SettingsError(f"this version of moodline has no detector {pinned_id!r}")


def distinct(boxes: Iterable[Box]) -> list[Box]:
    """Return the boxes in sorted order, without those of the same face as an earlier one."""
    kept: list[Box] = []
    for box in boxes:
        if not any(same_face(box, other) for other in kept):
            kept.append(box)
    return sorted(kept)


def same_face(one: Box, other: Box) -> bool:
    """Return whether the boxes share half of the smaller one.

    A cascade does not detect a face of which half is covered by another.
    """
    width = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    height = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    smaller = min(one.w * one.h, other.w * other.h)
    return width > 0 and height > 0 and width * height > _SAME_FACE * smaller


def _scaled(image: Image, scale: float, interpolation: int) -> Image:
    if scale >= 1.0:
        return np.ascontiguousarray(image)
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)
