"""How much a face crop can be trusted, from its size and sharpness. Pure."""

import cv2
import numpy as np
import numpy.typing as npt

FLOOR = 0.15
"""Below this quality a face is uncertain, whatever the model says."""

_FULL_SIDE_PX = 64.0
_FULL_SHARPNESS = 12.0


def face_quality(crop: npt.NDArray[np.uint8], side_px: float) -> float:
    """0..1: the smaller of size (1 from 64 source pixels on) and sharpness.

    Sharpness is the standard deviation of the crop's Laplacian over that of its grey levels,
    so that a dark face is not a blurred one (after Pech-Pacheco et al., 2000).
    """
    size = min(side_px / _FULL_SIDE_PX, 1.0)
    contrast = float(crop.std())
    if contrast < 1.0:
        return 0.0
    edges = float(cv2.Laplacian(crop, cv2.CV_64F).std())
    sharpness = min(edges / contrast * 4.0, 1.0) * min(contrast / _FULL_SHARPNESS, 1.0)
    return round(min(size, sharpness), 4)
