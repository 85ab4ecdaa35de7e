"""Colour: a picture for people, of the analysed luma and the chroma that travels beside it."""

import numpy as np
import numpy.typing as npt

from runtime.decoding.opencv import cv2

Image = npt.NDArray[np.uint8]


def bgr_picture(
    luma: bytes | memoryview,
    chroma: bytes,
    size: tuple[int, int],
    shown: tuple[int, int] | None = None,
) -> Image:
    """Return a picture as BGR, uint8 [height, width, 3]; grey without chroma.

    luma, chroma: as in `FrameMessage`. size: width and height of the luma. shown: of the result,
    not larger; None: the same.
    """
    width, height = size
    shown = shown or size
    grey = _resized(np.frombuffer(luma, np.uint8).reshape(height, width), shown)
    if not chroma:
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    halves = np.frombuffer(chroma, np.uint8).reshape(2, (height + 1) // 2, (width + 1) // 2)
    blue, red = (_resized(plane, shown) for plane in halves)
    return np.asarray(cv2.cvtColor(cv2.merge((grey, red, blue)), cv2.COLOR_YCrCb2BGR), np.uint8)


def _resized(plane: Image, size: tuple[int, int]) -> Image:
    if plane.shape == (size[1], size[0]):
        return plane
    shrinks = plane.shape[1] > size[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(plane, size, interpolation=how), np.uint8)
