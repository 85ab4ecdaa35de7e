"""Conversion: how the frames of a live source become luma, until their size or rotation changes."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from av.video.frame import VideoFrame

from contracts.errors import DecodingLimitError
from contracts.frames import MAX_SIDE
from ingest.luma import LumaConverter, display_size
from ingest.orientation import Orientation
from ingest.picture_view import PictureView


@dataclass(frozen=True, slots=True)
class Conversion:
    """The conversion of frames of one size and rotation. Cameras may change both at any time."""

    size: tuple[int, int]
    rotation: int
    display_size: tuple[int, int]
    converter: LumaConverter

    @classmethod
    def of(cls, image: VideoFrame, aspect: Fraction, max_side: int, view: PictureView) -> Self:
        """Return the conversion of frames like this one. Raises DecodingLimitError."""
        orientation = view.orientation(Orientation.from_rotation(image.rotation))
        size = display_size(image.width, image.height, aspect, orientation)
        if max(size) > MAX_SIDE:
            raise DecodingLimitError(
                f"a frame has {size[0]}x{size[1]} pixels; the limit is {MAX_SIDE:,} on a side",
                hint="Choose a smaller size in the camera's settings",
            )
        return cls(
            (image.width, image.height),
            image.rotation,
            size,
            LumaConverter(orientation, aspect, max_side, masks=view.masks, colour=view.colour),
        )

    def fits(self, image: VideoFrame) -> bool:
        """Return whether the frame has this size and rotation."""
        return (image.width, image.height, image.rotation) == (*self.size, self.rotation)
