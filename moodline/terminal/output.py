"""Output that every command prints the same way: JSON, lines, tables, times and durations."""

import json
from collections.abc import Collection
from dataclasses import asdict, is_dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from rich.console import Console
from rich.table import Table

_UNITS: Final = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def print_json(value: object, *, indent: int | None = 1) -> None:
    """Print one JSON document. Dataclasses become objects, datetimes ISO 8601 strings.

    indent: None prints the document on one line.
    """
    print(json.dumps(value, indent=indent, default=_json_value), flush=True)  # noqa: T201


def print_line(text: str) -> None:
    """Print a line as it is: without markup, without highlights, wrapped only by the terminal."""
    Console(soft_wrap=True).print(text, highlight=False, markup=False)


def error_console() -> Console:
    """Return a console on standard error that does not break lines."""
    return Console(stderr=True, soft_wrap=True)


def new_table(
    *names: str, right: Collection[str] = (), whole: Collection[str] = (), header: bool = True
) -> Table:
    """Return an empty table.

    right: columns that are aligned to the right. whole: columns that are never cut or folded,
    such as ids.
    """
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=header)
    for name in names:
        justify = "right" if name in right else "left"
        table.add_column(name, justify=justify, no_wrap=name in whole)  # type: ignore[arg-type]
    return table


def format_time(moment: datetime | None) -> str:
    """Return a UTC time to the second; "" for None."""
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def format_duration(seconds: float) -> str:
    """Return a duration in its two largest units, such as "2 h 5 min" or "12 s"."""
    for (unit, length), (smaller, size) in pairwise(_UNITS):
        if seconds >= length:
            return f"{int(seconds // length)} {unit} {int(seconds % length // size)} {smaller}"
    return f"{seconds:.0f} s"


def format_mib(size: int) -> str:
    """Return a number of bytes in MiB."""
    return f"{size / 2**20:,.1f} MiB"


def _json_value(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
