"""One picture that somebody shows: decoded within limits, its faces found and read."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from contracts.errors import MoodlineError
from contracts.expressions import EXPRESSIONS
from inference_worker.faces.classify import Classifier
from inference_worker.faces.crops import face_crop
from inference_worker.faces.detect import Detector
from inference_worker.faces.quality import FLOOR, face_quality

MOST_PIXELS: Final = 40_000_000
LONGEST_SIDE: Final = 12_000
LIMITS: Final = {
    "OPENCV_IO_MAX_IMAGE_PIXELS": str(MOST_PIXELS),
    "OPENCV_IO_MAX_IMAGE_WIDTH": str(LONGEST_SIDE),
    "OPENCV_IO_MAX_IMAGE_HEIGHT": str(LONGEST_SIDE),
}
"""OpenCV reads them once, from the environment; it checks a picture's header before it decodes."""
_ANALYZED_SIDE: Final = 1920
_SMALLEST_SHARE: Final = 1 / 40
_MAGIC: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"GIF8")


class PictureError(MoodlineError):
    """Raised for what is no picture, or one that is too large."""


@dataclass(frozen=True, slots=True)
class StillFace:
    """x, y, w, h: shares of the upright picture. label: None is uncertain; why: then."""

    x: float
    y: float
    w: float
    h: float
    label: str | None
    confidence: float
    shares: dict[str, float]
    why: str


@dataclass(frozen=True, slots=True)
class Still:
    """A picture that was read. width, height: of the upright picture, in pixels."""

    width: int
    height: int
    faces: tuple[StillFace, ...]


def read_still(
    data: bytes, detector: Detector, classifier: Classifier, *, smallest_px: int, least: float
) -> Still:
    """Find and read the faces, the largest first. least: confidence below which it is uncertain.

    Raises PictureError. The process must have been started with LIMITS in its environment.
    """
    luma = decoded(data)
    high, wide = luma.shape
    scale = min(_ANALYZED_SIDE / max(high, wide), 1.0)
    if scale < 1.0:
        size = (max(round(wide * scale), 1), max(round(high * scale), 1))
        luma = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.uint8)
    min_side = max(smallest_px, max(luma.shape) * _SMALLEST_SHARE)
    boxes = detector.search(luma, min_side, thorough=True)
    boxes = sorted(boxes, key=lambda box: -box.w * box.h)
    crops = [face_crop(luma, box, classifier.card.crop_margin) for box in boxes]
    rows = classifier.classify(np.stack(crops)) if crops else np.empty((0, len(EXPRESSIONS)))
    faces = []
    for box, crop, row in zip(boxes, crops, rows.tolist(), strict=True):
        best = max(row)
        sharp = face_quality(crop, box.w / scale) >= FLOOR
        why = "" if sharp and best >= least else _why(least, sharp=sharp)
        faces.append(
            StillFace(
                x=max(box.x / luma.shape[1], 0.0),
                y=max(box.y / luma.shape[0], 0.0),
                w=box.w / luma.shape[1],
                h=box.h / luma.shape[0],
                label=None if why else EXPRESSIONS[row.index(best)],
                confidence=round(best, 4),
                shares={
                    name: round(share, 4) for name, share in zip(EXPRESSIONS, row, strict=True)
                },
                why=why,
            )
        )
    return Still(wide, high, tuple(faces))


def decoded(data: bytes) -> npt.NDArray[np.uint8]:
    """The upright picture in grey. Raises PictureError."""
    if not data.startswith(_MAGIC):
        raise PictureError("that is no picture", hint="Give a JPEG, PNG, WebP or GIF")
    luma = None
    with suppress(cv2.error, MemoryError):  # What it says depends on the format: none is better.
        luma = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if luma is None or luma.size == 0:
        raise PictureError(
            "that picture cannot be decoded",
            hint=f"It must be whole, of {MOST_PIXELS // 1_000_000} million pixels and "
            f"{LONGEST_SIDE:,} a side at most",
        )
    return np.asarray(luma, np.uint8)


def _why(least: float, *, sharp: bool) -> str:
    if not sharp:
        return "The face is too small or too blurred to be read."
    return f"No expression reaches {least:.0%}, from which on the model can be relied on."
