"""The structure of JPEG data: where a picture ends, and whether it was cut off (ITU-T T.81)."""

from typing import Final

START: Final = b"\xff\xd8"
END: Final = b"\xff\xd9"
_START_OF_SCAN: Final = 0xDA
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})


def end_of_headers(data: bytes, begin: int = 0) -> int | None:
    """Return the place of the picture's first scan; None if the data end before it.

    data[begin:] starts with START. Headers may hold whole thumbnails. Raises ValueError if this is
    not a JPEG picture.
    """
    at = begin + len(START)
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise ValueError("no marker where one is expected")
        marker = data[at + 1]
        if marker == 0xFF:  # Padding.
            at += 1
        elif marker in _STANDALONE:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            if marker == _START_OF_SCAN:
                return at if at <= len(data) else None
    return None


def is_cut_off(data: bytes) -> bool:
    """Return whether JPEG data end before their picture does."""
    if not data.startswith(START):
        return False
    try:
        scan = end_of_headers(data)
    except ValueError:
        return False  # The decoder judges.
    return scan is None or data.find(END, scan) < 0


class CutOffPictures:
    """Finds the pictures of a stream that were cut off on their way.

    Some cameras leave out the end marker. So a picture without it is whole unless another one of
    the stream had it, or `is_still`: the stream is one picture.
    """

    def __init__(self, *, is_still: bool) -> None:
        self._ends_are_marked = is_still

    def is_cut_off(self, data: bytes) -> bool:
        """Return whether the next picture of the stream was cut off."""
        cut_off = is_cut_off(data)
        self._ends_are_marked = self._ends_are_marked or not cut_off
        return cut_off and self._ends_are_marked
