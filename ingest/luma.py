"""A decoded frame as it is meant to be seen: upright, square pixels, full-range grey."""

from fractions import Fraction

import av
import av.video
import numpy as np
from av.video.reformatter import Interpolation


def upright_luma(
    frame: av.VideoFrame, stream: av.video.VideoStream, max_side: int
) -> tuple[bytes, int, int]:
    """8-bit luma row by row, with its width and height, the longer side at most `max_side`.

    Sample aspect widens or narrows; the display matrix turns by quarters. Limited-range video
    is stretched to 0..255.
    """
    aspect = stream.sample_aspect_ratio or Fraction(1)
    width = max(1, round(frame.width * aspect)) if aspect > 0 else frame.width
    scale = min(1.0, max_side / max(width, frame.height))
    width, height = max(1, round(width * scale)), max(1, round(frame.height * scale))
    shrunk = (width, height) != (frame.width, frame.height)
    grey = frame.reformat(
        width=width,
        height=height,
        format="gray",
        interpolation=Interpolation.AREA if shrunk else Interpolation.FAST_BILINEAR,
    )
    plane = grey.planes[0]
    pixels = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:height, :width]
    quarters = round(frame.rotation / 90) % 4
    if quarters:
        pixels = np.rot90(pixels, quarters)
    return pixels.tobytes(), pixels.shape[1], pixels.shape[0]
