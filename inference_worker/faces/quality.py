"""Quality of a face: how far its classification can be trusted. Pure."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.geometry import HeadPose
from runtime.decoding.opencv import cv2

LEAST_QUALITY: Final = 0.15
"""A face below this quality is uncertain, whatever the model answers."""

_FULL_SIDE_PX: Final = 48
_SHARP: Final = 0.5
_BLURRED: Final = 0.15
_FULL_CONTRAST: Final = 12.0
_READ_YAW: Final = 45.0
_LARGEST_YAW: Final = 60.0
_READ_PITCH: Final = 30.0
_LARGEST_PITCH: Final = 40.0


def face_quality(
    crop: npt.NDArray[np.uint8], side_px: float, pose: HeadPose | None = None
) -> float:
    """Return 0..1, the smallest of size, sharpness and pose.

    crop: grey uint8 [side, side]. side_px: side of the face in display pixels; size is 1 from 48
    pixels up. pose: as pose_quality takes it. Sharpness is the standard deviation of the crop's
    Laplacian divided by that of its grey levels, so that a dark face does not count as blurred
    (after Pech-Pacheco et al., 2000), in a crop of 48 pixels: larger ones are shrunk. It is 1 from
    0.5 up, which 99 % of FER2013's faces reach, and 0 at 0.15, a face blurred by 4 % of its side. A
    contrast below 12 grey levels reduces it.
    """
    if len(crop) > _FULL_SIDE_PX:
        size = (_FULL_SIDE_PX, _FULL_SIDE_PX)
        crop = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)
    contrast = _deviation(crop)
    if contrast < 1.0:
        return 0.0
    edges = _deviation(cv2.Laplacian(crop, cv2.CV_16S)) / contrast
    sharpness = min(max((edges - _BLURRED) / (_SHARP - _BLURRED), 0.0), 1.0)
    sharpness *= min(contrast / _FULL_CONTRAST, 1.0)
    return round(min(side_px / _FULL_SIDE_PX, sharpness, pose_quality(pose)), 4)


def _deviation(values: npt.NDArray[Any]) -> float:
    """Return the standard deviation; NumPy's takes five times as long for so few values."""
    return float(cv2.meanStdDev(values)[1].item())


def pose_quality(pose: HeadPose | None) -> float:
    """Return 0..1: 1 for a face that looks at the viewer, and for one whose pose is not known.

    LEAST_QUALITY at the largest yaw and pitch that the model can read
    (docs/reference/model-measurements.md).
    """
    if pose is None:
        return 1.0
    yaw = _share(abs(pose.yaw), _READ_YAW, _LARGEST_YAW)
    return min(yaw, _share(abs(pose.pitch), _READ_PITCH, _LARGEST_PITCH))


def _share(angle: float, full: float, least: float) -> float:
    """Return 1 up to the angle `full`, LEAST_QUALITY at `least`, on a line that ends at 0."""
    share = 1 - (1 - LEAST_QUALITY) * (angle - full) / (least - full)
    return min(max(share, 0.0), 1.0)
