"""PictureGrid: a picture that is stored in tiles, as iPhones and AVIF encoders do.

FFmpeg offers each tile as a stream of its own. The layout is in the file's `meta` box: HEIF,
ISO/IEC 23008-12.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ingest.files.formats.heif import BoxReader, boxes_of, item_data, item_types, meta_of

MAX_TILES: Final = 500

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class PictureGrid:
    """The layout of a tiled picture.

    width, height: pixels of the picture, before it is turned. tiles: their item ids, row by row;
    FFmpeg has them as stream ids. turns: of the picture, in their order: quarter turns to the left
    ("irot", 0 to 3), or mirroring ("imir", 0: top and bottom, 1: left and right).
    """

    rows: int
    columns: int
    width: int
    height: int
    tiles: tuple[int, ...]
    turns: tuple[tuple[str, int], ...] = ()

    def assemble(self, tiles: dict[int, Picture]) -> Picture:
        """Return the upright picture of its tiles, each (rows, columns, 3), by item id.

        A tile that is missing is grey. Raises ValueError if there is none.
        """
        first = next(iter(tiles.values()), None)
        if first is None:
            raise ValueError("a picture without tiles")
        high, wide = first.shape[:2]
        canvas = np.full((self.rows * high, self.columns * wide, 3), 128, np.uint8)
        for place, item in enumerate(self.tiles):
            tile = tiles.get(item)
            if tile is not None and tile.shape == first.shape:
                top, left = place // self.columns * high, place % self.columns * wide
                canvas[top : top + high, left : left + wide] = tile
        picture = canvas[: self.height, : self.width]
        for kind, value in self.turns:
            picture = np.rot90(picture, value) if kind == "irot" else np.flip(picture, value)
        return np.ascontiguousarray(picture)


def read_picture_grid(path: Path) -> PictureGrid | None:
    """Return the layout of a tiled picture; None for any other file. Raises OSError."""
    try:
        return _parse(path)
    except (struct.error, IndexError, ValueError):  # Damaged: FFmpeg reads what it can.
        return None


def _parse(path: Path) -> PictureGrid | None:
    meta = meta_of(path)
    boxes = dict(boxes_of(meta[4:])) if meta else {}
    if not {b"pitm", b"iinf", b"iref", b"iloc"} <= set(boxes):
        return None
    version, primary = boxes[b"pitm"][0], boxes[b"pitm"][4:]
    item = int.from_bytes(primary[: 4 if version else 2], "big")
    if item_types(boxes[b"iinf"]).get(item) != b"grid":
        return None
    layout = item_data(path, boxes, item)
    tiles = _references(boxes[b"iref"]).get((b"dimg", item), ())
    rows, columns = layout[2] + 1, layout[3] + 1
    width, height = struct.unpack_from(">II" if layout[1] & 1 else ">HH", layout, 4)
    if rows * columns != len(tiles) or len(tiles) > MAX_TILES or not (width and height):
        return None
    return PictureGrid(rows, columns, width, height, tiles, _turns(boxes.get(b"iprp", b""), item))


def _references(iref: bytes) -> dict[tuple[bytes, int], tuple[int, ...]]:
    size = 2 if iref[0] == 0 else 4
    found = {}
    for kind, box in boxes_of(iref[4:]):
        source = int.from_bytes(box[:size], "big")
        count = int.from_bytes(box[size : size + 2], "big")
        places = range(size + 2, size + 2 + count * size, size)
        found[kind, source] = tuple(int.from_bytes(box[at : at + size], "big") for at in places)
    return found


def _turns(iprp: bytes, item: int) -> tuple[tuple[str, int], ...]:
    boxes = dict(boxes_of(iprp))
    properties = list(boxes_of(boxes.get(b"ipco", b"")))
    turns = []
    for index in _property_indexes(boxes.get(b"ipma", b""), item):
        kind, content = properties[index - 1] if 0 < index <= len(properties) else (b"", b"")
        if kind == b"irot":
            turns.append(("irot", content[0] & 3))
        elif kind == b"imir":
            turns.append(("imir", content[0] & 1))
    return tuple(turns)


def _property_indexes(ipma: bytes, item: int) -> list[int]:
    if not ipma:
        return []
    id_size, index_size = (2 if ipma[0] == 0 else 4), (2 if ipma[3] & 1 else 1)
    reader = BoxReader(ipma, 4)
    for _ in range(reader.number(4)):
        found, count = reader.number(id_size), reader.number(1)
        mask = 0x7FFF if index_size == 2 else 0x7F
        indexes = [reader.number(index_size) & mask for _ in range(count)]
        if found == item:
            return indexes
    return []
