"""Quality of a face crop: how far its classification can be trusted. Pure."""

from typing import Final

import numpy as np
import numpy.typing as npt

from runtime.decoding.opencv import cv2

LEAST_QUALITY: Final = 0.15
"""A face below this quality is uncertain, whatever the model answers."""

_FULL_SIDE_PX: Final = 48.0
_SHARP: Final = 0.5
_BLURRED: Final = 0.15
_FULL_CONTRAST: Final = 12.0


def face_quality(crop: npt.NDArray[np.uint8], side_px: float) -> float:
    """Return 0..1, the smaller of size and sharpness.

    crop: grey uint8 [48, 48]. side_px: side of the face in display pixels; size is 1 from 48
    pixels (the model's input) up. Sharpness is the standard deviation of the crop's Laplacian
    divided by that of its grey levels, so that a dark face does not count as blurred (after
    Pech-Pacheco et al., 2000). It is 1 from 0.5 up, which 99 % of FER2013's faces reach, and 0 at
    0.15, a face blurred by 4 % of its side. A contrast below 12 grey levels reduces it.
    """
    size = min(side_px / _FULL_SIDE_PX, 1.0)
    contrast = float(crop.std())
    if contrast < 1.0:
        return 0.0
    edges = float(cv2.Laplacian(crop, cv2.CV_64F).std()) / contrast
    sharpness = min(max((edges - _BLURRED) / (_SHARP - _BLURRED), 0.0), 1.0)
    return round(min(size, sharpness * min(contrast / _FULL_CONTRAST, 1.0)), 4)
