"""One pass over a stream's packets: every frame that decodes, every packet that does not."""

from collections.abc import Iterator
from dataclasses import dataclass

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ingest.opening import OpenRecording


@dataclass(frozen=True, slots=True)
class PacketOrigin:
    """The packet that a frame came from. Times in ticks; corrupt_before: in reading order."""

    pts: int | None
    dts: int | None
    pos: int | None
    is_key: bool
    corrupt_before: int


class Decoding:
    """Decodes one stream to its end. Each packet is tried by itself; a bad one ends nothing.

    corrupt: packets so far that did not decode. A frame that the decoder could conceal
    damage in is a frame. earliest_pts: in ticks, over the packets so far that are presented.
    error: empty, or what the container's reader stopped at before the end.
    """

    def __init__(self, recording: OpenRecording) -> None:
        self._container = recording.container
        self._stream = recording.stream
        self.corrupt = 0
        self.earliest_pts: int | None = None
        self.error = ""

    def frames(self) -> Iterator[tuple[VideoFrame, PacketOrigin | None]]:
        """Every frame in presentation order, with the packet it came from."""
        for packet in self._packets():
            packet.opaque = self._origin(packet)
            try:
                frames = packet.decode()
            except av.FFmpegError:
                self.corrupt += 1
                continue
            for frame in frames:
                yield frame, _origin_of(frame)
        for frame in self._rest():
            yield frame, _origin_of(frame)

    def _packets(self) -> "Iterator[Packet[VideoStream]]":
        packets = self._container.demux(self._stream)
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
        pts = packet.pts
        if pts is not None and not packet.is_discard:
            earliest = self.earliest_pts
            self.earliest_pts = pts if earliest is None else min(earliest, pts)
        return PacketOrigin(pts, packet.dts, packet.pos, packet.is_keyframe, self.corrupt)

    def _rest(self) -> list[VideoFrame]:
        """What the decoder still holds at the end."""
        try:
            return self._stream.codec_context.decode(None)
        except av.FFmpegError:
            return []


def _origin_of(frame: VideoFrame) -> PacketOrigin | None:
    origin = frame.opaque
    return origin if isinstance(origin, PacketOrigin) else None
