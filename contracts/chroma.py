"""Chroma: the colour of a frame, which travels beside its message and costs no frame if it is lost.

Layout, big-endian: magic "MC", version, width and height of the frame's luma, then Cb and Cr, each
of half the luma's sides, rounded up, 8 bits a pixel in full range. Decoding checks everything: a
frame whose chroma is not valid is grey.
"""

import struct
from typing import Final

VERSION: Final = 1
_MAGIC: Final = b"MC"
_HEAD: Final = struct.Struct(">2sBHH")


def chroma_bytes(width: int, height: int) -> int:
    """Return the size of Cb and Cr together of a frame whose luma has this size."""
    return 2 * ((width + 1) // 2) * ((height + 1) // 2)


def encode_chroma(planes: bytes, width: int, height: int) -> bytes:
    """Return Cb and Cr of a frame as bytes, from which `decode_chroma` returns them."""
    return _HEAD.pack(_MAGIC, VERSION, width, height) + planes


def decode_chroma(data: bytes, width: int, height: int) -> bytes:
    """Return Cb and Cr of a frame whose luma has this size; empty if `data` is not exactly that."""
    if len(data) != _HEAD.size + chroma_bytes(width, height):
        return b""
    if _HEAD.unpack_from(data) != (_MAGIC, VERSION, width, height):
        return b""
    return data[_HEAD.size :]
