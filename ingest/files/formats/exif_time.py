"""When a photo was taken: the EXIF tags that cameras and phones write (CIPA DC-008).

FFmpeg reads them from JPEG, PNG and WebP, but not from HEIC.
"""

import re
import struct
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from ingest.files.formats.heif import boxes_of, item_data, item_types, meta_of

_TAKEN: Final = 0x9003
_FRACTION: Final = 0x9291
_OFFSET: Final = 0x9011
_EXIF_IFD: Final = 0x8769
_NAMES: Final = {
    _TAKEN: ("DateTimeOriginal", "0x9003"),
    _FRACTION: ("SubSecTimeOriginal", "0x9291"),
    _OFFSET: ("OffsetTimeOriginal", "0x9011"),
}
_TEXT: Final = 2
_MAX_TAGS: Final = 200
_WHEN: Final = re.compile(r"(\d{4})[:\-](\d\d)[:\-](\d\d)[ T](\d\d:\d\d:\d\d)")


def time_of_tags(tags: Mapping[str, str]) -> datetime | None:
    """Return when the picture was taken, from FFmpeg's metadata of its frame; None if unknown.

    Without a zone if the camera wrote none.
    """
    by_name = {name.rpartition("/")[2]: value for name, value in tags.items()}
    found = {
        tag: value
        for tag, names in _NAMES.items()
        if (value := next((by_name[name] for name in names if name in by_name), None))
    }
    return _moment(found)


def time_of_heif(path: Path) -> datetime | None:
    """Return when the picture of a HEIC or AVIF file was taken, as `time_of_tags`."""
    try:
        meta = meta_of(path)
        boxes = dict(boxes_of(meta[4:])) if meta else {}
        types = item_types(boxes[b"iinf"]) if b"iinf" in boxes else {}
        item = next((item for item, kind in types.items() if kind == b"Exif"), None)
        if item is None:
            return None
        data = item_data(path, boxes, item)
        begin = 4 + int.from_bytes(data[:4], "big")
        return _moment(_tags_of_tiff(data[begin:]))
    except (OSError, struct.error, IndexError, KeyError, ValueError):
        return None  # A damaged header must not keep the picture from being read.


def _moment(tags: Mapping[int, str]) -> datetime | None:
    when = _WHEN.match(tags.get(_TAKEN, ""))
    if when is None:
        return None
    fraction = re.sub(r"\D", "", tags.get(_FRACTION, ""))[:6].ljust(6, "0")
    offset = tags.get(_OFFSET, "").strip()
    text = f"{when[1]}-{when[2]}-{when[3]}T{when[4]}.{fraction}"
    for zone in (offset, ""):
        try:
            return datetime.fromisoformat(text + zone)
        except ValueError:
            continue
    return None


def _tags_of_tiff(data: bytes) -> dict[int, str]:
    """Return the text tags of a photo's EXIF directory. Raises struct.error and IndexError."""
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    (first,) = struct.unpack_from(f"{order}I", data, 4)
    entries = _directory(data, order, first)
    if _EXIF_IFD in entries:
        entries |= _directory(data, order, entries[_EXIF_IFD][2])
    return {
        tag: data[place : place + count].split(b"\0")[0].decode("ascii", "replace")
        for tag, (kind, count, place) in entries.items()
        if kind == _TEXT
    }


def _directory(data: bytes, order: str, at: int) -> dict[int, tuple[int, int, int]]:
    """Return the (type, count, place or number) of each tag."""
    (count,) = struct.unpack_from(f"{order}H", data, at)
    found = {}
    for index in range(min(count, _MAX_TAGS)):
        entry = at + 2 + 12 * index
        tag, kind, length = struct.unpack_from(f"{order}HHI", data, entry)
        (value,) = struct.unpack_from(f"{order}I", data, entry + 8)
        is_inline = kind == _TEXT and length <= 4
        found[tag] = (kind, length, entry + 8 if is_inline else value)
    return found
