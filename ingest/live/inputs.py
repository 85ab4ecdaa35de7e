"""LiveInput: an open live source that yields decoded frames; a network stream, file or camera."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Protocol

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from contracts.errors import DecodingLimitError, SourceError
from contracts.redaction import redact
from ingest.decoding_limits import DecodingLimits
from ingest.live.freshness import PacketMark
from ingest.live.uris import cannot_open, describe, is_local
from ingest.luma import plausible_aspect
from ingest.picture_damage import PictureDamage
from ingest.reference_packets import is_reference
from runtime.decoding.jpeg_data import CutOffPictures
from runtime.decoding.opencv import cv2

READ_S: Final = 5.0
"""Longest wait for data from the network, seconds."""
_NO_FRAME_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class InputFrame:
    """A decoded frame. media_s: its time in the source if that sets the pace; None: play now.

    mark: of its packet, if it came over the network.
    """

    image: VideoFrame
    media_s: float | None
    mark: PacketMark | None = None


class LiveInput(Protocol):
    """An open live source.

    aspect: width of a pixel divided by its height. corrupt: packets so far that did not decode, and
    frames in which damage can show (`PictureDamage`). codec: FFmpeg's name. rate: frames a second
    that the source claims; None if it claims none.
    """

    aspect: Fraction
    corrupt: int
    codec: str
    rate: float | None

    def frames(self) -> Iterator[InputFrame]:
        """Yield the frames until the source ends.

        Raises SourceError if it breaks off, DecodingLimitError for a frame that is too large, and
        MemoryError.
        """
        ...

    def close(self) -> None: ...


class Connection(Protocol):
    """A network connection that FFmpeg reads through."""

    def close(self) -> None: ...


class StreamInput:
    """A network stream or a file, read by FFmpeg. Raises SourceError if it has no video.

    paced: whether the media times set the pace, as in a file. connection: to close with it.
    """

    def __init__(
        self,
        uri: str,
        container: InputContainer,
        limits: DecodingLimits,
        *,
        paced: bool,
        connection: Connection | None = None,
    ) -> None:
        self.corrupt = 0
        self._limits = limits
        self._uri = uri
        self._container = container
        self._connection = connection
        if not self._container.streams.video:
            self.close()
            raise cannot_open(uri, "it has no video")
        self._stream = self._container.streams.video[0]
        self.aspect = plausible_aspect(self._stream.sample_aspect_ratio)
        self.codec = self._stream.codec_context.name
        rate = self._stream.average_rate
        self.rate = float(rate) if rate else None
        self._stream.thread_type = "NONE"
        self._stream.thread_count = 1
        self._stream.codec_context.copy_opaque = True
        self._damage = PictureDamage(self._stream.time_base)
        is_jpeg = self.codec == "mjpeg"
        self._cut_off = CutOffPictures(is_still=False) if is_jpeg else None
        limits.apply_to(self._stream.codec_context)
        # HLS delivers whole segments in bursts, so its media times set the pace.
        self._paced = paced or "hls" in self._container.format.name
        self._start_s: float | None = None
        # RTSP and MJPEG begin at 0 with each connection.
        is_untimed = not {"rtsp", "mpjpeg", "mjpeg"}.isdisjoint(container.format.name.split(","))
        self._is_replayable = not is_untimed
        self._is_marked = not is_local(uri)

    def frames(self) -> Iterator[InputFrame]:
        packets = self._container.demux(self._stream)
        last_frame_at = time.monotonic()
        while True:
            if time.monotonic() - last_frame_at > _NO_FRAME_S:
                raise SourceError(
                    f"{describe(self._uri)} sends data, but no frame for {_NO_FRAME_S:.0f} s",
                    hint="Check the camera's video settings",
                )
            packet = self._next_packet(packets)
            if packet is None:
                return
            origin = _Origin(is_reference(packet), self._mark(packet) if self._is_marked else None)
            packet.opaque = origin
            if self._cut_off is not None and self._cut_off.is_cut_off(bytes(packet)):
                self.corrupt += 1
                continue
            try:
                # The last packet is empty and flushes the decoder.
                images = self._limits.decode(packet)
            except DecodingLimitError:
                self.corrupt += 1
                raise
            except MemoryError:
                raise
            except av.FFmpegError:
                self.corrupt += 1
                if origin.is_reference:
                    self._damage.note_loss()
                continue
            for image in images:
                of_image = image.opaque if isinstance(image.opaque, _Origin) else _UNKNOWN
                if self._damage.is_in(image, is_reference=of_image.is_reference):
                    self.corrupt += 1
                    continue
                yield InputFrame(image, self._media_s(image), of_image.mark)
                last_frame_at = time.monotonic()

    def close(self) -> None:
        self._container.close()
        if self._connection is not None:
            self._connection.close()

    def _next_packet(
        self, packets: "Iterator[Packet[VideoStream]]"
    ) -> "Packet[VideoStream] | None":
        begin_s = time.monotonic()
        try:
            packet = next(packets, None)
        except MemoryError:
            raise
        except (av.FFmpegError, OSError) as exc:
            if is_time_out(exc):
                raise self._silence() from exc
            raise SourceError(f"{describe(self._uri)} broke off: {reason_of(exc)}") from exc
        if not is_local(self._uri) and time.monotonic() - begin_s >= READ_S:
            # After a timeout, RTSP returns the incomplete packet instead of an error.
            raise self._silence()
        return packet

    def _mark(self, packet: "Packet[VideoStream]") -> PacketMark:
        digest = hash(bytes(packet))
        return PacketMark(digest, packet.pts, packet.is_keyframe, self._is_replayable)

    def _media_s(self, image: VideoFrame) -> float | None:
        if not self._paced or image.time is None:
            return None
        if self._start_s is None:
            self._start_s = float(image.time)
        return float(image.time) - self._start_s

    def _silence(self) -> SourceError:
        return SourceError(
            f"{describe(self._uri)} sent no frame for {READ_S:.0f} s",
            hint="Check the camera and its network",
        )


@dataclass(frozen=True, slots=True)
class _Origin:
    """The packet of a frame. is_reference: whether other frames may refer to its frame."""

    is_reference: bool
    mark: PacketMark | None


_UNKNOWN: Final = _Origin(is_reference=True, mark=None)


class CameraInput:
    """A camera attached to this host, read through V4L2. Raises SourceError if it is not usable."""

    codec = "raw"

    def __init__(self, uri: str, limits: DecodingLimits) -> None:
        self.corrupt = 0
        self._limits = limits
        self.aspect = Fraction(1)
        self._uri = uri
        # OpenCV would print several lines; the errors below say the same in one.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self._capture = cv2.VideoCapture(int(uri) if uri.isdecimal() else uri, cv2.CAP_V4L2)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceError(
                f"{describe(uri)} cannot be opened",
                hint="Check that it is plugged in, that no other program uses it, and that you "
                "have permission to read /dev/video*",
            )
        self.rate = self._capture.get(cv2.CAP_PROP_FPS) or None

    def frames(self) -> Iterator[InputFrame]:
        while True:
            is_read, pixels = self._capture.read()
            if not is_read:
                raise SourceError(f"{describe(self._uri)} delivers no frame")
            self._limits.check(pixels.shape[1], pixels.shape[0])
            bgr = np.ascontiguousarray(pixels, np.uint8)
            yield InputFrame(VideoFrame.from_ndarray(bgr, format="bgr24"), None)

    def close(self) -> None:
        self._capture.release()


def is_time_out(cause: Exception) -> bool:
    """Return whether a time limit ended the wait: FFmpeg calls that "Immediate exit requested"."""
    return isinstance(cause, (av.error.ExitError, TimeoutError))


def reason_of(cause: Exception) -> str:
    """Return the first line of an exception of FFmpeg or the system, without credentials."""
    text = getattr(cause, "strerror", "") or str(cause)
    return redact(text.strip().splitlines()[0] if text.strip() else type(cause).__name__)
