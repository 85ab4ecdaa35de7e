"""Drawing on frames: a box with track, expression and confidence for each face, or a blur."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.expressions import ON_PICTURES, UNCERTAIN, text_colour_on
from contracts.frame_results import TrackMark
from contracts.geometry import Box
from runtime.decoding.opencv import cv2

Image = npt.NDArray[np.uint8]

_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_BLACK: Final = (0, 0, 0)
_WHITE: Final = (255, 255, 255)
_BLUR_CELLS: Final = 6
_BLUR_MARGIN: Final = 0.2


@dataclass(frozen=True, slots=True)
class DrawnFace:
    """A face to draw. x, y, w, h: in pixels of the picture. label: None if uncertain.

    mark: of its track. A still face is named as such, a tentative face has no box.
    """

    track_id: int
    x: float
    y: float
    w: float
    h: float
    label: str | None
    confidence: float
    mark: TrackMark = TrackMark.PERSON

    @property
    def colour(self) -> str:
        """The colour of the box."""
        return ON_PICTURES[(self.label if self.mark.counts else None) or UNCERTAIN]

    @property
    def text(self) -> str:
        """The caption of the box."""
        if self.mark is TrackMark.STATIC:
            return f"{self.track_id} still face"
        if self.label is None:
            return f"{self.track_id} {UNCERTAIN}"
        return f"{self.track_id} {self.label} {self.confidence:.0%}"


def draw_faces(picture: Image, faces: list[DrawnFace]) -> Image:
    """Return a copy of the BGR picture [height, width, 3] with the faces drawn onto it.

    Each box has a dark and a light line beside the coloured one, and is seen on any picture.
    """
    picture = picture.copy()
    scale = max(max(picture.shape) / 1280, 0.4)
    thick, line = max(1, round(2 * scale)), max(3, round(4 * scale))
    for face in faces:
        if face.mark is TrackMark.TENTATIVE:
            continue
        colour, ink = _bgr(face.colour), _bgr(text_colour_on(face.colour))
        left, top = round(face.x), round(face.y)
        corner = (round(face.x + face.w), round(face.y + face.h))
        for shade, width in ((_BLACK, line + 4), (_WHITE, line + 2), (colour, line)):
            cv2.rectangle(picture, (left, top), corner, shade, width)
        (width, height), descent = cv2.getTextSize(face.text, _FONT, scale, thick)
        # Above the box, or inside it at the picture's upper edge.
        base = top - descent if top - height - descent > 0 else top + height + descent
        plate_top, plate_bottom = base - height - descent // 2, base + descent
        cv2.rectangle(picture, (left, plate_top), (left + width, plate_bottom), colour, -1)
        cv2.putText(picture, face.text, (left, base), _FONT, scale, ink, thick, cv2.LINE_AA)
    return picture


def blur_faces(picture: Image, faces: list[DrawnFace]) -> Image:
    """Return a copy of the picture, grey or BGR, in which no face can be recognised.

    Each face, with a margin for hair and chin, is averaged to 6x6 cells and enlarged again.
    """
    blurred = picture.copy()
    high, wide = picture.shape[:2]
    for face in faces:
        margin = _BLUR_MARGIN * max(face.w, face.h)
        left, right = max(int(face.x - margin), 0), min(int(face.x + face.w + margin) + 1, wide)
        top, bottom = max(int(face.y - margin), 0), min(int(face.y + face.h + margin) + 1, high)
        if left >= right or top >= bottom:
            continue
        part = blurred[top:bottom, left:right]
        # Averaging cannot be undone; the smooth enlargement only looks better.
        cells = cv2.resize(part, (_BLUR_CELLS, _BLUR_CELLS), interpolation=cv2.INTER_AREA)
        size = (right - left, bottom - top)
        blurred[top:bottom, left:right] = cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR)
    return blurred


def blurred_jpeg(picture: Image, boxes: Sequence[Box], *, quality: int = 80) -> bytes:
    """Return the picture, grey or BGR, as JPEG, with the faces in the boxes blurred."""
    faces = [DrawnFace(0, box.x, box.y, box.w, box.h, None, 0.0) for box in boxes]
    _, jpeg = cv2.imencode(".jpg", blur_faces(picture, faces), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return jpeg.tobytes()


def _bgr(hex_colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(hex_colour[i : i + 2], 16) for i in (1, 3, 5))
    return blue, green, red
