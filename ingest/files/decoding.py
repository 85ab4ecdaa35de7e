"""One pass over a stream's packets: every frame that decodes, every packet that does not."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ingest.files.lost_packets import LostPackets, PacketOrigin
from ingest.files.opening import OpenRecording

# VP8 has packets of its own for reference pictures that are never shown.
_CODECS_WITH_HIDDEN_PACKETS: Final = frozenset({"vp8", "libvpx"})


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """A frame, the packet it came from where the decoder says, and the packets lost so far.

    stamp: the ticks its media time is made from: PTS, or DTS where that is missing.
    """

    frame: VideoFrame
    origin: PacketOrigin | None
    stamp: int | None
    corrupt: int


class Decoding:
    """Decodes one stream to its end. Each packet is tried by itself; a bad one ends nothing.

    A frame in which the decoder concealed damage is a frame. corrupt: packets that became no
    frame, so far in presentation order. rejected: whether the decoder reported any, which it
    does ahead of that order. error: empty, or what the container's reader stopped at before
    the end.
    """

    def __init__(self, recording: OpenRecording) -> None:
        self._recording = recording
        self._ordinal = 0
        self._earliest_pts: int | None = None
        self._earliest_dts: int | None = None
        self._losses = LostPackets(
            recording.stream.time_base or Fraction(1, 1000),
            by_pts=not recording.is_timed_by_dts,
            is_reordered=recording.stream.codec_context.has_b_frames,
            all_shown=recording.stream.codec_context.name not in _CODECS_WITH_HIDDEN_PACKETS,
        )
        self.rejected = False
        self.error = ""

    @property
    def corrupt(self) -> int:
        return self._losses.count

    def frames(self) -> Iterator[DecodedFrame]:
        """Every frame in presentation order."""
        for packet in self._packets():
            origin = self._origin(packet)
            packet.opaque = origin
            if not packet.is_discard:
                self._losses.read(origin)
            try:
                frames = packet.decode()
            except av.FFmpegError:
                self.rejected = True
                if not packet.is_discard:
                    self._losses.rejected(origin)
                continue
            for frame in frames:
                yield self._decoded(frame)
        for frame in self._rest():
            yield self._decoded(frame)
        self._losses.finish()

    def _packets(self) -> "Iterator[Packet[VideoStream]]":
        packets = self._recording.container.demux(self._recording.stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as exc:
                self.error = exc.strerror or "read error"
                return
            if packet is None:
                return
            if packet.size:  # An empty packet would tell the decoder that the stream ends.
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
            size=packet.size,
            earliest_pts=self._earliest_pts,
            earliest_dts=self._earliest_dts,
        )

    def _decoded(self, frame: VideoFrame) -> DecodedFrame:
        opaque = frame.opaque
        origin = opaque if isinstance(opaque, PacketOrigin) else None
        self._losses.shown(origin, is_interlaced=frame.interlaced_frame)
        by_dts = self._recording.is_timed_by_dts or frame.pts is None
        return DecodedFrame(frame, origin, frame.dts if by_dts else frame.pts, self.corrupt)

    def _rest(self) -> list[VideoFrame]:
        """What the decoder still holds at the end."""
        try:
            return self._recording.stream.codec_context.decode(None)
        except av.FFmpegError:
            return []


def _earlier(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)
