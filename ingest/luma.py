"""A decoded frame as upright, display-shaped, full-range 8-bit luma of bounded size."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from contracts.errors import SourceError
from ingest.orientation import Orientation

# Sample aspects beyond this are damaged headers, not lenses.
_MAX_ASPECT: Final = 8


@dataclass(frozen=True, slots=True)
class Luma:
    """8 bits a pixel, row by row, no padding."""

    pixels: bytes
    width: int
    height: int


def plausible_aspect(aspect: Fraction | None) -> Fraction:
    """A pixel's width over its height; 1 where it is unknown or cannot be."""
    if not aspect or not Fraction(1, _MAX_ASPECT) <= aspect <= _MAX_ASPECT:
        return Fraction(1)
    return Fraction(aspect)


def display_size(
    width: int, height: int, aspect: Fraction, orientation: Orientation
) -> tuple[int, int]:
    """Width and height as shown: the width is stretched by the aspect, then the turn is made."""
    wide = max(1, round(width * aspect))
    return (height, wide) if orientation.transposed else (wide, height)


class LumaConverter:
    """Converts frames of one stream; keeps the scaler between them, which is what it costs.

    max_side: longest side of the luma, pixels; pictures are scaled down to it, never up.
    """

    def __init__(self, orientation: Orientation, aspect: Fraction, max_side: int) -> None:
        self._orientation = orientation
        self._aspect = aspect
        self._max_side = max_side
        self._scaler = VideoReformatter()
        self._stored_sizes: dict[tuple[int, int], tuple[int, int]] = {}

    def convert(self, frame: VideoFrame) -> Luma:
        """The frame's luma. Raises SourceError for a pixel format without a conversion."""
        size = frame.width, frame.height
        if size not in self._stored_sizes:
            self._stored_sizes[size] = self._stored_size(frame)
        width, height = self._stored_sizes[size]
        # The scaler maps limited range to full range. One thread: files run in parallel.
        try:
            grey = self._scaler.reformat(
                frame, width, height, "gray", interpolation="BILINEAR", threads=1
            )
        except av.FFmpegError as exc:
            raise SourceError(
                f"its pictures are in a format, {frame.format.name}, that cannot be read here",
                hint="Convert it, for example to H.264 in MP4",
            ) from exc
        plane = grey.planes[0]
        padded = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        upright = self._orientation.upright(padded[:height, :width])
        return Luma(upright.tobytes(), upright.shape[1], upright.shape[0])

    def _stored_size(self, frame: VideoFrame) -> tuple[int, int]:
        """Width and height of the luma before it is turned upright."""
        wide = frame.width * self._aspect
        scale = min(Fraction(1), self._max_side / max(wide, Fraction(frame.height)))
        return max(1, round(wide * scale)), max(1, round(frame.height * scale))
