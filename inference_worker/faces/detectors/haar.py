"""Haar cascades (Viola-Jones, OpenCV): find upright, lit, frontal faces, and need no other files.

The parameters were chosen with benchmarks/detectors.py; docs/decisions has the alternatives.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from contracts.errors import ModelError
from contracts.geometry import Box
from inference_worker.faces.detectors.detection import Detection, Image, distinct, scaled
from inference_worker.faces.detectors.schedule import SearchSchedule
from runtime.decoding.opencv import cv2

CASCADE_PX: Final = 20
"""The side of the smallest face that a frontal cascade can detect."""


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
    """A Viola-Jones cascade (OpenCV), on one thread: two threads return faces in any order.

    Raises ModelError if the cascade's file is missing or damaged.
    """

    def __init__(self, spec: HaarSpec) -> None:
        cv2.setNumThreads(1)
        self._spec = spec
        folder = Path(cv2.data.haarcascades)  # type: ignore[attr-defined]
        self._cascade = cv2.CascadeClassifier(str(folder / spec.cascade))
        if self._cascade.empty():  # OpenCV says nothing, and finds nothing.
            raise ModelError(
                f"OpenCV cannot read the cascade {folder / spec.cascade}",
                hint="Install opencv-python-headless again",
            )

    @property
    def id(self) -> str:
        return self._spec.id

    @property
    def schedule(self) -> SearchSchedule:
        return SearchSchedule()

    def search(self, luma: Image, min_side: float, *, thorough: bool) -> list[Detection]:
        """See Detector. The frame is shrunk until the smallest face has the cascade's size."""
        scale = min(1.0, CASCADE_PX / min_side)
        small = scaled(luma, scale, cv2.INTER_AREA)
        least = max(CASCADE_PX, round(min_side * scale))
        steps = self._spec.thorough if thorough else self._spec.quick
        return distinct(
            Detection(Box(x / scale, y / scale, w / scale, h / scale))
            for x, y, w, h in self._hits(small, steps, (least, max(small.shape)))
        )

    def search_turned(self, luma: Image, min_side: float) -> list[Detection]:  # noqa: ARG002
        """See Detector. A cascade would find turned faces too, with many that are none."""
        return []

    def follow(
        self,
        luma: Image,
        expected: Detection,
        *,
        closely: bool = True,  # noqa: ARG002
    ) -> Detection | None:
        """See Detector. Returns the nearest face in a window that is scaled to a fixed size."""
        spec, near = self._spec, expected.box
        side = max(near.w, near.h)
        reach = side * spec.window_reach
        left, top = max(0, int(near.x - reach)), max(0, int(near.y - reach))
        right = max(0, int(near.x + near.w + reach))
        bottom = max(0, int(near.y + near.h + reach))
        window = luma[top:bottom, left:right]
        scale = min(1.0, spec.window_face_px / side)
        if min(window.shape) * scale < CASCADE_PX:
            return None
        small = scaled(window, scale, cv2.INTER_LINEAR)
        least, most = (round(side * scale * size) for size in spec.window_sizes)
        boxes = [
            Box(left + x / scale, top + y / scale, w / scale, h / scale)
            for x, y, w, h in self._hits(small, spec.window, (max(CASCADE_PX, least), most))
        ]
        box = max(boxes, key=lambda box: (box.iou(near), box), default=None)
        return None if box is None else Detection(box)

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
