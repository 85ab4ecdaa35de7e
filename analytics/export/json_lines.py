"""JSON lines: one object a line, numbers with at most six decimals.

Files stay byte-identical to those of versions that wrote them with pandas: ASCII only, `/` escaped,
and fractions rounded as pandas rounds them.
"""

import json
import math
from collections.abc import Sequence
from typing import Final

_DECIMALS: Final = 6
_SCALE: Final = float(10**_DECIMALS)
_LARGEST_PLAIN: Final = 1e16 - 1
_SMALLEST_PLAIN: Final = 1e-15


def json_line(names: Sequence[str], values: Sequence[str | int | float | None]) -> str:
    """Return the object with these names and values as one line, with its line end."""
    pairs = zip(names, values, strict=True)
    return f"{{{','.join(f'{_text(name)}:{_value(value)}' for name, value in pairs)}}}\n"


def _value(value: str | int | float | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return _text(value)
    return _number(value) if isinstance(value, float) else str(value)


def _text(text: str) -> str:
    # json escapes DEL, pandas does not.
    parts = (json.dumps(part)[1:-1] for part in text.split("\x7f"))
    return '"' + "\x7f".join(parts).replace("/", "\\/") + '"'


def _number(value: float) -> str:
    """Format a float as pandas' `to_json(double_precision=6)` does.

    The fraction is scaled, then rounded: up above one half, and at one half if it is odd or 0.
    """
    if not math.isfinite(value):
        return "null"
    size = abs(value)
    if size > _LARGEST_PLAIN or 0 < size < _SMALLEST_PLAIN:
        return f"{value:.{_DECIMALS}g}"
    whole = int(size)
    scaled = (size - whole) * _SCALE
    fraction = int(scaled)
    rest = scaled - fraction
    if rest > 0.5 or (rest == 0.5 and (fraction == 0 or fraction % 2)):
        fraction += 1
    if fraction >= _SCALE:
        whole, fraction = whole + 1, 0
    decimals = f"{fraction:0{_DECIMALS}}".rstrip("0") or "0"
    return f"{'-' if value < 0 else ''}{whole}.{decimals}"
