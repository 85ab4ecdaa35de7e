"""Cursors: the place at which the next page of a list begins, as an opaque text."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Final

from contracts.errors import ApiError

_LARGEST: Final = 2**53
_MAX_LENGTH: Final = 512

Key = Sequence[int | str]


def write_cursor(kind: str, key: Key) -> str:
    """Return the cursor after the item with this key, in the list of this kind."""
    text = json.dumps([kind, *key], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, kind: str, types: Sequence[type[int] | type[str]]) -> Key:
    """Return the key that a cursor holds.

    kind, types: of the list that it must be of. Raises ApiError for any other text.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True).decode())
    except (binascii.Error, ValueError, RecursionError):
        found = None
    if isinstance(found, list) and len(found) == len(types) + 1 and found[0] == kind:
        key: Key = found[1:]
        if all(_fits(one, wanted) for one, wanted in zip(key, types, strict=True)):
            return key
    raise ApiError(
        "invalid-request",
        "the cursor is not one of this list",
        hint="Send `next` of the page before as it is, or nothing for the first page",
        errors=[("query.cursor", "not a cursor of this list")],
    )


def _fits(value: object, wanted: type[int] | type[str]) -> bool:
    if type(value) is not wanted:
        return False
    if isinstance(value, str):
        return value.isprintable() and len(value) <= _MAX_LENGTH
    return isinstance(value, int) and -1 <= value <= _LARGEST
