"""DecodingLimits: the largest frame of a source that is decoded, and the error of a larger one.

FFmpeg compares the size in a frame's header with the limit before it allocates the frame.
"""

import re
from dataclasses import dataclass
from typing import Final, cast

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from contracts.errors import DecodingLimitError
from runtime.decoding.memory_limit import is_used_up

_MAX_STREAMS: Final = 512
"""Photos of 48 million pixels have 192 tiles, each a stream."""
_BYTES_PER_PIXEL: Final = 4
_REFUSED_SIZE: Final = re.compile(r"Picture size (\d+)x(\d+) exceeds")


@dataclass(frozen=True, slots=True)
class DecodingLimits:
    """The most pixels of a frame, in millions, and of the streams in a container."""

    megapixels: int = 64

    @property
    def options(self) -> dict[str, str]:
        """Options of `av.open`: probing a container decodes frames too."""
        return {"max_pixels": str(self._max_pixels), "max_streams": str(_MAX_STREAMS)}

    @property
    def _max_pixels(self) -> int:
        return self.megapixels * 1_000_000

    def apply_to(self, context: VideoCodecContext) -> None:
        """Set the limit of a decoder that was not used yet."""
        context.options = context.options | {"max_pixels": str(self._max_pixels)}

    def decode(self, packet: "Packet[VideoStream]") -> list[VideoFrame]:
        """Return the frames of the packet.

        Raises DecodingLimitError for a frame that is too large, MemoryError, and FFmpegError for
        a packet that does not decode.
        """
        try:
            return packet.decode()
        except av.FFmpegError:  # MemoryError too: the HEVC decoder refuses sizes with it.
            size = self._refused_size(packet)
            if size is not None:
                self.check(*size)
                if is_used_up(_BYTES_PER_PIXEL * size[0] * size[1]):
                    raise MemoryError from None
            raise

    def check(self, width: int, height: int) -> None:
        """Raise DecodingLimitError if a frame of this size is too large."""
        if width * height > self._max_pixels:
            raise DecodingLimitError(
                f"a frame has {width}x{height} pixels; the limit is {self.megapixels} million",
                hint="Scale it down, or raise MOODLINE_MAX_SOURCE_MEGAPIXELS",
            )

    def _refused_size(self, packet: "Packet[VideoStream]") -> tuple[int, int] | None:
        """Return the size that made the decoder refuse the packet; None if it had other reasons."""
        context = packet.stream.codec_context
        if context.width * context.height:
            return context.width, context.height
        # FFmpeg has cleared the size that it refused, and only logs it. A decoder that has refused
        # a size does not always log it again, so a new one decodes the packet.
        decoder = cast(VideoCodecContext, av.CodecContext.create(context.codec))
        decoder.extradata, decoder.thread_count = context.extradata, 1
        decoder.options = {"max_pixels": str(self._max_pixels)}
        previous = av.logging.get_level(), av.logging.get_skip_repeated()
        av.logging.set_level(av.logging.ERROR)
        av.logging.set_skip_repeated(False)
        try:
            with av.logging.Capture() as lines:
                decoder.decode(packet)
        except av.FFmpegError:
            pass
        finally:
            av.logging.set_level(previous[0])
            av.logging.set_skip_repeated(previous[1])
        found = (_REFUSED_SIZE.search(message) for _level, _name, message in lines)
        size = next(filter(None, found), None)
        return (int(size[1]), int(size[2])) if size else None


DEFAULT_LIMITS: Final = DecodingLimits()
