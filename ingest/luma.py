"""Luma: a decoded frame as upright 8-bit grey of bounded size, in full range."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from contracts.errors import SourceError
from ingest.orientation import Orientation

# A larger sample aspect ratio comes from a damaged header, not from a lens.
_MAX_ASPECT: Final = 8


@dataclass(frozen=True, slots=True)
class Luma:
    """Grey pixels, 8 bits each, row by row without padding: width x height bytes."""

    pixels: bytes
    width: int
    height: int


def plausible_aspect(aspect: Fraction | None) -> Fraction:
    """Return a pixel's width divided by its height; 1 if it is unknown or implausible."""
    if not aspect or not Fraction(1, _MAX_ASPECT) <= aspect <= _MAX_ASPECT:
        return Fraction(1)
    return Fraction(aspect)


def display_size(
    width: int, height: int, aspect: Fraction, orientation: Orientation
) -> tuple[int, int]:
    """Return the width and height of the shown frame: stretched by the aspect, then turned."""
    stretched = max(1, round(width * aspect))
    return (height, stretched) if orientation.transposed else (stretched, height)


class LumaConverter:
    """Converts the frames of one stream. It reuses one scaler, which is costly to create.

    max_side: longest side of the luma, pixels; frames are scaled down to it, never up.
    """

    def __init__(self, orientation: Orientation, aspect: Fraction, max_side: int) -> None:
        self._orientation = orientation
        self._aspect = aspect
        self._max_side = max_side
        self._scaler = VideoReformatter()
        self._sizes: dict[tuple[int, int], tuple[int, int]] = {}

    def convert(self, frame: VideoFrame) -> Luma:
        """Return the frame's luma. Raises SourceError if its pixel format is not supported."""
        size = frame.width, frame.height
        if size not in self._sizes:
            self._sizes[size] = self._size_before_turn(frame)
        width, height = self._sizes[size]
        # The scaler maps limited range to full range. One thread, as files are read in parallel.
        try:
            grey = self._scaler.reformat(
                frame, width, height, "gray", interpolation="BILINEAR", threads=1
            )
        except MemoryError:
            raise
        except av.FFmpegError as exc:
            raise SourceError(
                f"the pixel format {frame.format.name} is not supported",
                hint="Convert the video, for example to H.264 in MP4",
            ) from exc
        plane = grey.planes[0]
        padded = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        upright = self._orientation.upright(padded[:height, :width])
        return Luma(upright.tobytes(), upright.shape[1], upright.shape[0])

    def _size_before_turn(self, frame: VideoFrame) -> tuple[int, int]:
        """Return the width and height of the luma before it is turned upright."""
        stretched = frame.width * self._aspect
        scale = min(Fraction(1), self._max_side / max(stretched, Fraction(frame.height)))
        return max(1, round(stretched * scale)), max(1, round(frame.height * scale))
