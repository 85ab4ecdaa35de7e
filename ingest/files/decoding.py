"""StreamDecoder: decodes the packets of a recording, and counts those that do not decode."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, cast

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from contracts.errors import DecodingLimitError, SourceError
from ingest.decoding_limits import DecodingLimits
from ingest.files.formats.picture_grid import Picture, PictureGrid
from ingest.files.lost_packets import LostPackets, PacketOrigin
from ingest.files.opening import OpenRecording
from ingest.picture_damage import PictureDamage
from ingest.reference_packets import is_reference
from runtime.decoding.jpeg_data import CutOffPictures

_STILL_FORMATS: Final = frozenset({"image2", "jpeg_pipe"})
# In VP8, reference pictures that are never shown have packets of their own.
_CODECS_WITH_HIDDEN_PACKETS: Final = frozenset({"vp8", "libvpx"})


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """A decoded frame.

    origin: its packet; None if the decoder does not report it. stamp: ticks from which the media
    time is computed: PTS, or DTS if there is none. corrupt: packets lost so far. is_damaged:
    whether the damage of this or an earlier frame can show in it.
    """

    frame: VideoFrame
    origin: PacketOrigin | None
    stamp: int | None
    corrupt: int
    is_damaged: bool


class StreamDecoder:
    """Decodes one stream to its end, also where its codec changes. Skips what does not decode.

    A frame in which damage can show is yielded like any other. corrupt: packets lost so far, in
    presentation order. has_rejected: whether the decoder reported a damaged
    packet, which it does before the packet's turn in that order. error: the reason why the
    container could not be read to its end; empty if it could. refusal: the error of a frame that
    is too large, which ends the stream; None if there is none.
    """

    def __init__(self, recording: OpenRecording, limits: DecodingLimits) -> None:
        self._recording = recording
        self._limits = limits
        self._ordinal = 0
        self._earliest_pts: int | None = None
        self._earliest_dts: int | None = None
        self._lost = _lost_packets_of(recording)
        self._lost_before = 0
        self._cut_off = _cut_off_pictures_of(recording)
        self._damage = PictureDamage(recording.stream.time_base)
        self.has_rejected = False
        self.error = ""
        self.refusal: DecodingLimitError | None = None

    @property
    def corrupt(self) -> int:
        return self._lost_before + self._lost.count

    def frames(self) -> Iterator[DecodedFrame]:
        """Yield every frame in presentation order. Raises MemoryError."""
        if self._recording.grid is not None:
            yield from self._picture_of_tiles(self._recording.grid)
            return
        yield from self._frames_of_part()
        while not (self.error or self.refusal) and self._advance():
            yield from self._frames_of_part()

    def _picture_of_tiles(self, grid: PictureGrid) -> Iterator[DecodedFrame]:
        """Yield the picture of the tiles; it is damaged if one of them does not decode."""
        tiles: dict[int, Picture] = {}
        streams = self._recording.tiles
        for packet in self._recording.container.demux(streams):
            try:
                frames = self._limits.decode(cast("Packet[VideoStream]", packet))
                if frames and not frames[0].is_corrupt:
                    pixels = np.asarray(frames[0].to_ndarray(format="rgb24"), np.uint8)
                    tiles[packet.stream.id] = pixels
                    size = frames[0].width * grid.columns, frames[0].height * grid.rows
                    self._limits.check(*size)
            except DecodingLimitError as exc:
                self.refusal = exc
                return
            except MemoryError:
                raise
            except av.FFmpegError:
                self.has_rejected = True
        if tiles:
            picture = VideoFrame.from_ndarray(grid.assemble(tiles), format="rgb24")
            yield DecodedFrame(picture, None, 0, corrupt=0, is_damaged=len(tiles) < len(grid.tiles))

    def _advance(self) -> bool:
        """Go on with the next part of the recording; return whether there is one."""
        try:
            if not self._recording.advance(self._limits):
                return False
        except SourceError as exc:
            self.error = f"its video changes, and {exc}"
            return False
        self._lost_before += self._lost.count
        self._lost = _lost_packets_of(self._recording)
        self._damage = PictureDamage(self._recording.stream.time_base)
        return True

    def _frames_of_part(self) -> Iterator[DecodedFrame]:
        for packet in self._packets():
            origin = self._origin(packet)
            packet.opaque = origin
            if not packet.is_discard:
                self._lost.note_packet(origin)
            if self._cut_off is not None and self._cut_off.is_cut_off(bytes(packet)):
                self._note_rejected(packet, origin)
                continue
            try:
                frames = self._limits.decode(packet)
            except DecodingLimitError as exc:
                self.refusal = exc
                break
            except MemoryError:
                raise
            except av.FFmpegError:
                self._note_rejected(packet, origin)
                continue
            for frame in frames:
                yield self._decoded(frame)
        for frame in self._flush():
            yield self._decoded(frame)
        self._lost.finish()

    def _note_rejected(self, packet: "Packet[VideoStream]", origin: PacketOrigin) -> None:
        self.has_rejected = True
        if origin.is_reference:
            # At once, not when its turn to be shown comes: frames shown before it may refer to it.
            self._damage.note_loss()
        if not packet.is_discard:
            self._lost.note_rejected(origin)

    def _packets(self) -> "Iterator[Packet[VideoStream]]":
        packets = self._recording.container.demux(self._recording.stream)
        while True:
            try:
                packet = next(packets, None)
            except MemoryError:
                raise
            except av.FFmpegError as exc:
                if isinstance(exc, BlockingIOError) and self._recording.part is not None:
                    # No packet of a transport stream in the next 64 KiB: search on behind them.
                    packets = self._recording.container.demux(self._recording.stream)
                    continue
                self.error = exc.strerror or "read error"
                return
            if packet is None:
                return
            if packet.size:  # To the decoder, an empty packet means the end of the stream.
                yield packet

    def _origin(self, packet: "Packet[VideoStream]") -> PacketOrigin:
        self._ordinal += 1
        if not packet.is_discard:
            self._earliest_pts = _earlier(self._earliest_pts, packet.pts)
            self._earliest_dts = _earlier(self._earliest_dts, packet.dts)
        return PacketOrigin(
            ordinal=self._ordinal,
            pts=packet.pts,
            dts=packet.dts,
            pos=packet.pos,
            is_key=packet.is_keyframe,
            is_reference=is_reference(packet),
            size=packet.size,
            earliest_pts=self._earliest_pts,
            earliest_dts=self._earliest_dts,
        )

    def _decoded(self, frame: VideoFrame) -> DecodedFrame:
        opaque = frame.opaque
        origin = opaque if isinstance(opaque, PacketOrigin) else None
        lost = self._lost.references
        self._lost.note_frame(origin, is_interlaced=frame.interlaced_frame)
        if self._lost.references > lost:
            self._damage.note_loss()
        by_dts = self._recording.is_timed_by_dts or frame.pts is None
        return DecodedFrame(
            frame,
            origin,
            stamp=frame.dts if by_dts else frame.pts,
            corrupt=self.corrupt,
            is_damaged=self._damage.is_in(
                frame, is_reference=origin is None or origin.is_reference
            ),
        )

    def _flush(self) -> list[VideoFrame]:
        """Return the frames that the decoder still holds at the end of the stream."""
        try:
            return self._recording.stream.codec_context.decode(None)
        except MemoryError:
            raise
        except av.FFmpegError:
            return []


def _lost_packets_of(recording: OpenRecording) -> LostPackets:
    return LostPackets(
        recording.stream.time_base or Fraction(1, 1000),
        by_pts=not recording.is_timed_by_dts,
        is_reordered=recording.stream.codec_context.has_b_frames,
        all_shown=recording.stream.codec_context.name not in _CODECS_WITH_HIDDEN_PACKETS,
    )


def _cut_off_pictures_of(recording: OpenRecording) -> CutOffPictures | None:
    if recording.stream.codec_context.name != "mjpeg":
        return None
    return CutOffPictures(is_still=recording.container.format.name in _STILL_FORMATS)


def _earlier(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)
