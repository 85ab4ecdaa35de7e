"""The boxes of HEIF files (HEIC, AVIF): what items a picture file has, and their data.

ISO/IEC 23008-12 (HEIF) and ISO/IEC 14496-12, section 8.11.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.files.regular_files import open_regular

_MAX_META_BYTES: Final = 16 * 2**20
_MAX_BOXES: Final = 64
_MAX_ITEM_BYTES: Final = 2**20


def meta_of(path: Path) -> bytes:
    """Return the content of the `meta` box of an image file; b"" if it is another file."""
    with open_regular(path) as file:
        for _ in range(_MAX_BOXES):
            head = file.read(8)
            if len(head) < 8 or (head[4:] != b"ftyp" and file.tell() == 8):
                return b""
            length = int.from_bytes(head[:4], "big")
            if head[4:] == b"meta":
                return file.read(length - 8) if 8 < length <= _MAX_META_BYTES else b""
            if length < 8:
                return b""
            file.seek(length - 8, 1)
    return b""


def boxes_of(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and the content of each box."""
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if length < 8:
            return
        yield data[at + 4 : at + 8], data[at + 8 : at + length]
        at += length


def item_types(iinf: bytes) -> dict[int, bytes]:
    types = {}
    for kind, box in boxes_of(iinf[6 if iinf[0] == 0 else 8 :]):
        if kind == b"infe" and box[0] >= 2:
            size = 2 if box[0] == 2 else 4
            item = int.from_bytes(box[4 : 4 + size], "big")
            types[item] = box[4 + size + 2 : 4 + size + 6]
    return types


def item_data(path: Path, boxes: dict[bytes, bytes], item: int) -> bytes:
    """Return the data of an item with one extent. Raises ValueError."""
    method, offset, length = _location(boxes[b"iloc"], item)
    if not 0 < length <= _MAX_ITEM_BYTES:
        raise ValueError("an item of this size is not read")
    if method == 1:
        return boxes.get(b"idat", b"")[offset : offset + length]
    with open_regular(path) as file:
        file.seek(offset)
        return file.read(length)


def _location(iloc: bytes, item: int) -> tuple[int, int, int]:
    """Return how an item is stored (0: in the file, 1: in `idat`), its offset and its length."""
    version = iloc[0]
    offset_size, length_size = iloc[4] >> 4, iloc[4] & 15
    base_size, index_size = iloc[5] >> 4, iloc[5] & 15 if version else 0
    wide = 4 if version == 2 else 2
    reader = BoxReader(iloc, 6)
    for _ in range(reader.number(wide)):
        found = reader.number(wide)
        method = reader.number(2) & 15 if version else 0
        reader.number(2)  # The data reference.
        base = reader.number(base_size)
        for _extent in range(reader.number(2)):
            reader.number(index_size)
            offset, length = reader.number(offset_size), reader.number(length_size)
            if found == item:
                return method, base + offset, length
    raise ValueError("the item is not stored")


@dataclass(slots=True)
class BoxReader:
    """Reads the numbers of a box."""

    data: bytes
    at: int

    def number(self, size: int) -> int:
        """Return the next number of `size` bytes. Raises ValueError at the end."""
        if self.at + size > len(self.data):
            raise ValueError("the box is too short")
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at], "big")
