"""Whether other frames are predicted from a packet's frame: only then does its damage spread."""

from collections.abc import Iterator
from typing import Final

from av.packet import Packet
from av.video.stream import VideoStream

_H264_SLICES: Final = range(1, 6)
_HEVC_SLICES: Final = range(32)
_HEVC_LAST_UNREFERENCED: Final = 14
_LENGTH_BYTES: Final = 4
_MAX_UNITS: Final = 32


def is_reference(packet: "Packet[VideoStream]") -> bool:
    """Return whether other frames may refer to the packet's frame; True if that is not known."""
    if packet.is_disposable:
        return False
    codec = packet.stream.codec_context.name
    if codec not in {"h264", "hevc"} or not packet.size:
        return True
    for header in _unit_headers(bytes(packet)):
        if codec == "h264" and header & 0x1F in _H264_SLICES:
            return bool(header & 0x60)  # nal_ref_idc
        kind = header >> 1 & 0x3F
        if codec == "hevc" and kind in _HEVC_SLICES:
            # Types of pictures that are not referred to are even and come first (H.265, table 7-1).
            return kind > _HEVC_LAST_UNREFERENCED or kind % 2 == 1
    return True


def _unit_headers(data: bytes) -> Iterator[int]:
    """Yield the first byte of the NAL units in a packet, with start codes or with lengths."""
    starts_with_code = data.startswith((b"\0\0\1", b"\0\0\0\1"))
    at = 0
    for _ in range(_MAX_UNITS):
        if starts_with_code:
            code = data.find(b"\0\0\1", at)
            at = code + 3
            if code < 0 or at >= len(data):
                return
            yield data[at]
        else:
            if at + _LENGTH_BYTES >= len(data):
                return
            yield data[at + _LENGTH_BYTES]
            at += _LENGTH_BYTES + int.from_bytes(data[at : at + _LENGTH_BYTES], "big")
