"""How a photo is turned upright: the EXIF tag Orientation (CIPA DC-008), with its mirroring.

PyAV gives the rotation of pictures with EXIF data, but not whether they are mirrored: a picture
that is only mirrored would come upside down.
"""

import re
import struct
from pathlib import Path
from typing import Final

from ingest.orientation import Orientation
from runtime.files.regular_files import read_regular

_ORIENTATION: Final = 0x0112
_MAX_TAGS: Final = 200
# The names of JPEG, PNG and WebP for EXIF data, which begins with its byte order.
_EXIF: Final = re.compile(rb"(?:Exif\0\0|eXIf|EXIF.{4}(?:Exif\0\0)?)((?:II\*\0|MM\0\*).*)", re.S)
_TURNS: Final = {
    1: Orientation(),
    2: Orientation(mirrored_x=True),
    3: Orientation(mirrored_x=True, mirrored_y=True),
    4: Orientation(mirrored_y=True),
    5: Orientation(transposed=True),
    6: Orientation(transposed=True, mirrored_x=True),
    7: Orientation(transposed=True, mirrored_x=True, mirrored_y=True),
    8: Orientation(transposed=True, mirrored_y=True),
}


def orientation_of_photo(path: Path) -> Orientation | None:
    """Return how a JPEG, PNG or WebP picture is turned upright; None if its EXIF does not say."""
    try:
        found = _EXIF.search(read_regular(path))
        return _TURNS.get(_tag_of_tiff(found[1])) if found else None
    except (OSError, struct.error):
        return None  # A damaged header must not keep the picture from being read.


def _tag_of_tiff(data: bytes) -> int:
    """Return the value of the tag in the first directory, 0 if it has none. Raises struct.error."""
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, at)
    for entry in range(at + 2, at + 2 + 12 * min(count, _MAX_TAGS), 12):
        tag, _, _, value = struct.unpack_from(f"{order}HHIH", data, entry)
        if tag == _ORIENTATION:
            return int(value)
    return 0
