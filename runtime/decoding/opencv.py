"""OpenCV, which refuses pictures that are too large by their header, before it decodes them.

OpenCV reads the limits from the environment, once, when it is imported. So all code imports it
from here; ruff refuses `import cv2` anywhere else.
"""

import os
import sys
from typing import Final

import numpy as np
import numpy.typing as npt

from runtime.decoding.jpeg_data import is_cut_off

MAX_PICTURE_PIXELS: Final = 40_000_000
MAX_PICTURE_SIDE: Final = 12_000

if "cv2" in sys.modules:
    raise ImportError("OpenCV was imported before its limits were set: import it from this module")
os.environ |= {
    "OPENCV_IO_MAX_IMAGE_PIXELS": str(MAX_PICTURE_PIXELS),
    "OPENCV_IO_MAX_IMAGE_WIDTH": str(MAX_PICTURE_SIDE),
    "OPENCV_IO_MAX_IMAGE_HEIGHT": str(MAX_PICTURE_SIDE),
}

import cv2  # noqa: E402, TID251  (after the limits are set)

__all__ = ["MAX_PICTURE_PIXELS", "MAX_PICTURE_SIDE", "cv2", "decode_picture"]


def decode_picture(data: bytes, flags: int) -> npt.NDArray[np.uint8] | None:
    """Return a picture of a stranger; None if it is damaged, too large, or not a picture.

    flags: as of `cv2.imdecode`. Shape [height, width] or [height, width, 3].
    """
    if not data or is_cut_off(data):  # OpenCV would fill the rest with grey.
        return None
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except (cv2.error, MemoryError):
        return None
    return None if picture is None or picture.size == 0 else np.asarray(picture, np.uint8)
