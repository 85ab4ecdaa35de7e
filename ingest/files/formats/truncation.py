"""Truncation: the bytes missing at the end of a file, by the lengths in its container."""

import os
import struct
from pathlib import Path
from typing import BinaryIO, Final

from runtime.files.regular_files import open_regular

_BOXES: Final = (b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"moof")
_EBML: Final = b"\x1a\x45\xdf\xa3"
_SEGMENT: Final = b"\x18\x53\x80\x67"


def missing_bytes(path: Path) -> int:
    """Return the number of bytes missing at the end; 0 if the container does not give a length.

    Reads the boxes of MP4 and MOV, the segments of Matroska and WebM, and RIFF (AVI, WebP).
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(12)
        if head[4:8] in _BOXES:
            end = _end_of_boxes(file, size)
        elif head[:4] == _EBML:
            end = _end_of_segment(file)
        elif head[:4] == b"RIFF":
            end = _end_of_riff(file, size)
        else:
            end = size
    return max(0, end - size)


def _end_of_boxes(file: BinaryIO, size: int) -> int:
    position = 0
    while position + 8 <= size:
        file.seek(position)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1 and len(head) == 16:
            length = int.from_bytes(head[8:], "big")
        if length < 8:  # 0: up to the end of the file; 1 to 7: not a box.
            return size
        position += length
    return position


def _end_of_riff(file: BinaryIO, size: int) -> int:
    """Return the end of the RIFF chunks; large AVI files have several."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        if name != b"RIFF" or length in (0, 0xFFFFFFFF):  # The recorder was switched off.
            return size
        position += 8 + length
        if position >= size:
            break
        position += length & 1
    return position


def _end_of_segment(file: BinaryIO) -> int:
    file.seek(len(_EBML))
    header = _vint(file)
    if header is None:
        return 0
    file.seek(header, 1)
    if file.read(4) != _SEGMENT:
        return 0
    length = _vint(file)
    return 0 if length is None else file.tell() + length


def _vint(file: BinaryIO) -> int | None:
    """Read an EBML length; None if it means unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    width = 9 - first[0].bit_length()
    value = (first[0] & (0xFF >> width)) << 8 * (width - 1)
    value |= int.from_bytes(file.read(width - 1), "big")
    return None if value == (1 << 7 * width) - 1 else value
