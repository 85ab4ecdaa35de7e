"""Analysis of a single image: decoded within limits, its faces detected and classified."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.errors import ImageError
from contracts.expressions import EXPRESSIONS
from inference_worker.faces.analysis import classify_crops
from inference_worker.faces.classify import Classifier
from inference_worker.faces.crops import face_crop
from inference_worker.faces.detectors.detection import Detection, Detector
from inference_worker.faces.quality import LEAST_QUALITY, face_quality, pose_quality
from runtime.decoding.opencv import MAX_PICTURE_PIXELS, MAX_PICTURE_SIDE, cv2, decode_picture

_ANALYZED_SIDE: Final = 1920
_SMALLEST_FRACTION: Final = 1 / 40
_MAGIC: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"GIF8")


@dataclass(frozen=True, slots=True)
class ImageFace:
    """One face; the field names are the keys of the JSON that the dashboard shows.

    x, y, w, h: fractions of the upright image. label: None if uncertain, and then `why` is a
    sentence. shares: probability by expression.
    """

    x: float
    y: float
    w: float
    h: float
    label: str | None
    confidence: float
    shares: dict[str, float]
    why: str


@dataclass(frozen=True, slots=True)
class ImageResult:
    """The faces of an image, the largest first. width, height: of the upright image in pixels."""

    width: int
    height: int
    faces: tuple[ImageFace, ...]


def analyze_image(
    data: bytes,
    detector: Detector,
    classifier: Classifier,
    *,
    min_face_px: int,
    uncertain_below: float,
) -> ImageResult:
    """Detect and classify the faces of a JPEG, PNG, WebP or GIF. Raises ImageError.

    min_face_px: smallest face in the image as it is analysed, at most 1920 pixels on its longer
    side. uncertain_below: confidence.
    """
    whole = decode_image(data)
    height, width = whole.shape
    searched = find_faces(whole, detector, min_face_px)
    luma, scale, found = searched.luma, searched.scale, searched.faces
    framing = classifier.card.framing
    crops = [face_crop(luma, one.box, framing, one.roll) for one in found]
    rows = classify_crops(classifier, crops)
    faces = []
    for one, crop, row in zip(found, crops, rows.tolist(), strict=True):
        box, pose, best = one.box, one.pose, max(row)
        if pose_quality(pose) < LEAST_QUALITY:
            why = "The face is turned away too far."
        elif face_quality(crop, box.w / scale, pose) < LEAST_QUALITY:
            why = "The face is too small or too blurred."
        elif best < uncertain_below:
            why = f"No expression reaches a confidence of {uncertain_below:.0%}."
        else:
            why = ""
        faces.append(
            ImageFace(
                x=max(box.x / luma.shape[1], 0.0),
                y=max(box.y / luma.shape[0], 0.0),
                w=box.w / luma.shape[1],
                h=box.h / luma.shape[0],
                label=None if why else EXPRESSIONS[row.index(best)],
                confidence=round(best, 4),
                shares={name: round(p, 4) for name, p in zip(EXPRESSIONS, row, strict=True)},
                why=why,
            )
        )
    return ImageResult(width, height, tuple(faces))


@dataclass(frozen=True, slots=True)
class SearchedImage:
    """An image as it was searched. scale: of its luma, at most 1. faces: the largest first."""

    luma: npt.NDArray[np.uint8]
    scale: float
    faces: tuple[Detection, ...]


def find_faces(luma: npt.NDArray[np.uint8], detector: Detector, min_face_px: int) -> SearchedImage:
    """Search an image for faces, upright ones first.

    luma: uint8 [height, width]. min_face_px: of the smallest face in the searched image, at most
    1920 pixels on its longer side.
    """
    height, width = luma.shape
    scale = min(_ANALYZED_SIDE / max(height, width), 1.0)
    if scale < 1.0:
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        luma = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.uint8)
    min_side = max(min_face_px, max(luma.shape) * _SMALLEST_FRACTION)
    found = detector.search(luma, min_side, thorough=True)
    found = found or detector.search_turned(luma, min_side)
    return SearchedImage(luma, scale, tuple(sorted(found, key=lambda f: -f.box.w * f.box.h)))


def decode_image(data: bytes) -> npt.NDArray[np.uint8]:
    """Return the upright image in grey, uint8 [height, width]. Raises ImageError."""
    if not data.startswith(_MAGIC):
        raise ImageError("the file is not an image", hint="Choose a JPEG, PNG, WebP or GIF")
    luma = decode_picture(data, cv2.IMREAD_GRAYSCALE)
    if luma is None:
        raise ImageError(
            "the image cannot be decoded",
            hint="Choose a complete image of at most "
            f"{MAX_PICTURE_PIXELS // 1_000_000} million pixels and {MAX_PICTURE_SIDE:,} pixels "
            "per side",
        )
    return luma
