"""Tiled pictures as phones write them: an AVIF file with a grid of tiles, built box by box."""

import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ingest.files.formats.heif import boxes_of
from runtime.decoding.opencv import cv2

Picture = npt.NDArray[np.uint8]

TILE = (64, 64)
"""Width and height of a tile: AV1 encoders have a least size."""


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full_box(kind: bytes, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def encoded_tile(grey: Picture) -> tuple[bytes, bytes]:
    """Return the AV1 data of a grey picture, and its `av1C` box."""
    is_encoded, file = cv2.imencode(".avif", grey)
    assert is_encoded
    boxes = dict(boxes_of(file.tobytes()))
    properties = dict(boxes_of(dict(boxes_of(boxes[b"meta"][4:]))[b"iprp"]))
    return boxes[b"mdat"], box(b"av1C", dict(boxes_of(properties[b"ipco"]))[b"av1C"])


def exif(taken: str, offset: str) -> bytes:
    """Return an Exif item: the place of the TIFF header, then TIFF with the two tags."""
    begin, entries = 26, 2
    texts = begin + 2 + 12 * entries + 4
    tiff = b"MM\0*" + struct.pack(">I", 8)
    tiff += struct.pack(">HHHIII", 1, 0x8769, 4, 1, begin, 0)
    tiff += struct.pack(">HHHII", entries, 0x9003, 2, len(taken) + 1, texts)
    tiff += struct.pack(">HHIII", 0x9011, 2, len(offset) + 1, texts + len(taken) + 1, 0)
    return struct.pack(">I", 6) + b"Exif\0\0" + tiff + f"{taken}\0{offset}\0".encode()


def tiled_avif(
    picture: Picture,
    *,
    turns: Sequence[bytes] = (),
    taken: tuple[str, str] | None = None,
    lost: int | None = None,
    cropped: int = 0,
) -> bytes:
    """Return a tiled AVIF file of a grey picture, whose sides are multiples of TILE.

    turns: `irot` and `imir` boxes. taken: EXIF time and offset. lost: a tile whose data is noise.
    cropped: columns and rows that the grid leaves out at the right and the bottom.
    """
    rows, columns = picture.shape[0] // TILE[1], picture.shape[1] // TILE[0]
    tiles = [
        encoded_tile(picture[y * TILE[1] : (y + 1) * TILE[1], x * TILE[0] : (x + 1) * TILE[0]])
        for y in range(rows)
        for x in range(columns)
    ]
    data = [tile for tile, _ in tiles]
    if lost is not None:
        data[lost] = b"\xff" * len(data[lost])
    types = [b"grid", *[b"av01"] * len(tiles)]
    if taken:
        data.append(exif(*taken))
        types.append(b"Exif")
    width, height = picture.shape[1] - cropped, picture.shape[0] - cropped
    layout = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    head = box(b"ftyp", b"avif\0\0\0\0avifmif1miaf")
    meta = _meta(types, layout, data, 0, tiles[0][1], turns, (width, height))
    meta = _meta(types, layout, data, len(head + meta) + 8, tiles[0][1], turns, (width, height))
    return head + meta + box(b"mdat", *data)


def _meta(  # noqa: PLR0917
    types: Sequence[bytes],
    layout: bytes,
    data: Sequence[bytes],
    begin: int,
    codec: bytes,
    turns: Sequence[bytes],
    size: tuple[int, int],
) -> bytes:
    infos = b"".join(
        full_box(b"infe", struct.pack(">HH4sB", item, 0, kind, 0), version=2)
        for item, kind in enumerate(types, 1)
    )
    locations = struct.pack(">HHHHII", 1, 1, 0, 1, 0, len(layout))
    for item, one in enumerate(data, 2):
        locations += struct.pack(">HHHHII", item, 0, 0, 1, begin, len(one))
        begin += len(one)
    count = sum(kind == b"av01" for kind in types)
    tile_ids = struct.pack(f">HH{count}H", 1, count, *range(2, 2 + count))
    spatial = [full_box(b"ispe", struct.pack(">II", *one)) for one in (TILE, size)]
    properties = box(b"ipco", codec, *spatial, *turns)
    links = struct.pack(">IHB", 1 + count, 1, 1 + len(turns)) + bytes([3])
    links += bytes(range(4, 4 + len(turns)))
    for item in range(2, 2 + count):
        links += struct.pack(">HBBB", item, 2, 0x81, 2)
    return full_box(
        b"meta",
        full_box(b"hdlr", struct.pack(">I4s12sB", 0, b"pict", b"", 0)),
        full_box(b"pitm", struct.pack(">H", 1)),
        full_box(b"iloc", struct.pack(">BBH", 0x44, 0x00, len(data) + 1), locations, version=1),
        full_box(b"iinf", struct.pack(">H", len(types)), infos),
        full_box(b"iref", box(b"dimg", tile_ids)),
        box(b"iprp", properties, full_box(b"ipma", links)),
        box(b"idat", layout),
    )
