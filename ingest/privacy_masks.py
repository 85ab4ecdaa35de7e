"""Privacy masks: parts of a picture that are black before anybody reads it."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.zones.polygons import Polygon

Plane = npt.NDArray[np.uint8]

_KEPT_SIZES: Final = 4
_MARGIN_PX: Final = 2
_SHIFT: Final = 8


def blackened(plane: Plane, masks: Sequence[Polygon], black: int = 0) -> Plane:
    """Return a copy of the plane with the masked pixels black; the plane itself without masks.

    plane: uint8 [height, width] or [height, width, channels], upright as it is displayed, of any
    size. masks: polygons in fractions of it. black: the value of black in it: 0 for luma and RGB,
    128 for chroma. Two pixels around each mask are black too: in a plane that was scaled down, or
    that will be scaled up, they hold a part of the masked ones.
    """
    if not masks:
        return plane
    kept = _kept(tuple(masks), plane.shape[0], plane.shape[1])
    if plane.ndim == 3:
        kept = kept[..., None]
    covered = plane & kept
    return covered | (~kept & np.uint8(black)) if black else covered


@lru_cache(maxsize=_KEPT_SIZES)
def _kept(masks: tuple[Polygon, ...], height: int, width: int) -> Plane:
    """Return uint8 [height, width]: 255 where pixels are kept, 0 where they are masked."""
    # Imported here: a process that reads sources without masks does not need OpenCV.
    from runtime.decoding.opencv import cv2

    kept = np.full((height, width), 255, np.uint8)
    for mask in masks:
        # OpenCV counts from the middle of the first pixel, in 256ths of a pixel.
        corners = (np.array(mask) * (width, height) - 0.5) * (1 << _SHIFT)
        cv2.fillPoly(kept, [np.rint(corners).astype(np.int32)], (0,), shift=_SHIFT)
    side = 2 * _MARGIN_PX + 1
    return np.asarray(cv2.erode(kept, np.ones((side, side), np.uint8)), np.uint8)
