"""Luma: a decoded frame as upright 8-bit grey of bounded size, and its chroma if it is wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from contracts.errors import SourceError
from contracts.zones.polygons import Polygon
from ingest.orientation import Orientation
from ingest.privacy_masks import blackened

# A larger sample aspect ratio comes from a damaged header, not from a lens.
_MAX_ASPECT: Final = 8
_NO_COLOUR: Final = 128


@dataclass(frozen=True, slots=True)
class Luma:
    """Grey pixels, 8 bits each in full range, row by row without padding: width x height bytes.

    chroma: Cb, then Cr, each of half the width and half the height, rounded up; empty if it was
    not wanted.
    """

    pixels: bytes
    width: int
    height: int
    chroma: bytes = b""


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

    max_side: longest side of the luma, pixels; frames are scaled down to it, never up. masks: parts
    that are blackened, in fractions of the upright frame. colour: whether to convert chroma too,
    which leaves the luma as it is.
    """

    def __init__(
        self,
        orientation: Orientation,
        aspect: Fraction,
        max_side: int,
        *,
        masks: Sequence[Polygon] = (),
        colour: bool = False,
    ) -> None:
        self._orientation = orientation
        self._aspect = aspect
        self._max_side = max_side
        self._masks = masks
        self._scaler = VideoReformatter()
        self._chroma_scaler = VideoReformatter() if colour else None
        self._sizes: dict[tuple[int, int], tuple[int, int]] = {}

    def convert(self, frame: VideoFrame) -> Luma:
        """Return the frame's luma. Raises SourceError if its pixel format is not supported."""
        size = frame.width, frame.height
        if size not in self._sizes:
            self._sizes[size] = self._size_before_turn(frame)
        width, height = self._sizes[size]
        grey = _scaled(self._scaler, frame, width, height, "gray")
        upright = blackened(self._upright_plane(grey, 0), self._masks)
        chroma = b""
        if self._chroma_scaler is not None:
            # Half the sides: the size that chroma has in nearly every codec.
            halves = (width + 1) // 2, (height + 1) // 2
            coloured = _scaled(self._chroma_scaler, frame, *halves, "yuvj444p")
            planes = (self._upright_plane(coloured, number) for number in (1, 2))
            chroma = b"".join(
                blackened(plane, self._masks, _NO_COLOUR).tobytes() for plane in planes
            )
        return Luma(upright.tobytes(), upright.shape[1], upright.shape[0], chroma)

    def _upright_plane(self, frame: VideoFrame, number: int) -> npt.NDArray[np.uint8]:
        plane = frame.planes[number]
        padded = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        return self._orientation.upright(padded[: plane.height, : plane.width])

    def _size_before_turn(self, frame: VideoFrame) -> tuple[int, int]:
        """Return the width and height of the luma before it is turned upright."""
        stretched = frame.width * self._aspect
        scale = min(Fraction(1), self._max_side / max(stretched, Fraction(frame.height)))
        return max(1, round(stretched * scale)), max(1, round(frame.height * scale))


def _scaled(
    scaler: VideoReformatter, frame: VideoFrame, width: int, height: int, pixel_format: str
) -> VideoFrame:
    """Return the frame in a size and a full-range format. Raises SourceError."""
    # The scaler maps limited range to full range. One thread, as files are read in parallel.
    try:
        return scaler.reformat(
            frame, width, height, pixel_format, interpolation="BILINEAR", threads=1
        )
    except MemoryError:
        raise
    except av.FFmpegError as exc:
        raise SourceError(
            f"the pixel format {frame.format.name} is not supported",
            hint="Convert the video, for example to H.264 in MP4",
        ) from exc
