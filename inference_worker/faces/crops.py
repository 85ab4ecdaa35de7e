"""Face crops in the size that the model reads. Pure."""

import numpy as np
import numpy.typing as npt

from contracts.geometry import Box
from contracts.model_card import Framing
from inference_worker.faces.detectors.detection import upright_window
from runtime.decoding.opencv import cv2

Image = npt.NDArray[np.uint8]


def face_crop(luma: Image, box: Box, framing: Framing, roll: float = 0.0) -> Image:
    """Return the square around `box` as grey uint8 [side, side], turned upright.

    luma: uint8 [height, width]. box: in its pixels. framing: its margin is added on each side, as a
    fraction of the box's longer side. roll: of the head, in degrees clockwise. Pixels outside the
    frame repeat its edge; a crop that is wholly outside is black.
    """
    pixels, reach = framing.side, 1 + 2 * framing.margin
    if roll:
        return upright_window(luma, box, roll, reach, pixels).pixels
    side = max(box.w, box.h) * reach
    left, top = box.x + box.w / 2 - side / 2, box.y + box.h / 2 - side / 2
    x0, y0, n = round(left), round(top), max(1, round(side))
    height, width = luma.shape
    inside = luma[max(y0, 0) : max(y0 + n, 0), max(x0, 0) : max(x0 + n, 0)]
    if inside.size == 0:
        return np.zeros((pixels, pixels), np.uint8)
    padding = (max(-y0, 0), max(y0 + n - height, 0), max(-x0, 0), max(x0 + n - width, 0))
    if any(padding):
        inside = np.asarray(cv2.copyMakeBorder(inside, *padding, cv2.BORDER_REPLICATE), np.uint8)
    interpolation = cv2.INTER_AREA if n > pixels else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(inside, (pixels, pixels), interpolation=interpolation), np.uint8)
