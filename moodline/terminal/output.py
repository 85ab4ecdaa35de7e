"""Output that every command prints the same way: JSON, lines, tables, times and durations.

Every text passes through here, so that names of files and sources cannot steer the terminal.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, is_dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from contracts.expressions import COLOURS, UNCERTAIN
from contracts.redaction import redact
from runtime.visible_text import visible, visible_lines

_UNITS: Final = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def print_json(value: object, *, indent: int | None = 1) -> None:
    """Print one JSON document. Dataclasses become objects, datetimes ISO 8601 strings.

    indent: None prints the document on one line.
    """
    print(json.dumps(value, indent=indent, default=_json_value), flush=True)  # noqa: T201


_SIXTEEN: Final = {
    "happy": "yellow",
    "surprise": "cyan",
    "neutral": "bright_black",
    "sad": "blue",
    "fear": "magenta",
    "disgust": "green",
    "angry": "red",
    UNCERTAIN: "default",
}
"""Label colours of a terminal with 16 colours: the nearest ones would make happy red."""
_SIXTEEN_OF: Final = {
    Color.parse(colour): Style(color=_SIXTEEN[label]) for label, colour in COLOURS.items()
}


class Screen(Console):
    """A rich console that shows the control characters of its texts instead of sending them.

    On a terminal with 16 colours, each label has one of them.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for part in super().render(renderable, options):
            # Control segments are rich's own, as those that move the cursor of a live display.
            yield part if part.control else self._shown(part)

    def _shown(self, part: Segment) -> Segment:
        style = part.style
        if style is not None and style.color is not None and self.color_system == "standard":
            style += _SIXTEEN_OF.get(style.color)
        return Segment(visible_lines(part.text), style)


class _Table(Table):
    """A table whose cells have one line each: a line end in a name is shown as \\n."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        super().add_row(*map(_one_line, cells), **options)


def _one_line(cell: RenderableType | None) -> RenderableType | None:
    if isinstance(cell, Text):
        return Text("\\n").join(cell.split("\n", allow_blank=True))
    return visible(cell) if isinstance(cell, str) else cell


def print_line(text: str) -> None:
    """Print one line: without markup, without highlights, wrapped only by the terminal."""
    Screen(soft_wrap=True).print(visible(text), highlight=False, markup=False)


def error_console() -> Screen:
    """Return a console on standard error that does not break lines."""
    return Screen(stderr=True, soft_wrap=True)


def print_error(line: str) -> None:
    """Print an error on standard error, without credentials and control characters."""
    text = Text("error: ", style="bold red").append(visible(redact(line)), style="not bold default")
    error_console().print(text, highlight=False)


def new_table(
    *names: str, right: Collection[str] = (), whole: Collection[str] = (), header: bool = True
) -> Table:
    """Return an empty table.

    right: columns that are aligned to the right. whole: columns that are never cut or folded,
    such as ids.
    """
    table = _Table(box=None, pad_edge=False, header_style="bold", show_header=header)
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
