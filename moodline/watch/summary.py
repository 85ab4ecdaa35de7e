"""What `moodline watch` says at its end: as JSON for a program, as a chart for a person."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from contracts.errors import ExportError
from contracts.expressions import COLOURS

_BAR_WIDTH: Final = 28


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """seconds: end after so long; None: at Ctrl-C, or the end of a file. out: for the JSON."""

    fps: float | None = None
    seconds: float | None = None
    as_json: bool = False
    out: Path | None = None


def tell(summary: Mapping[str, Any], options: WatchOptions, chart: Callable[[], None]) -> None:
    """Print the summary as JSON, or its chart; write it where that was asked for."""
    if options.out is not None:
        try:
            options.out.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
        except OSError as exc:
            raise ExportError(f"cannot write {options.out}: {exc.strerror}") from exc
    if options.as_json:
        print(json.dumps(summary, indent=1))  # noqa: T201
    else:
        chart()


def print_chart(seconds: Mapping[str, float], console: Console) -> None:
    """A bar for each expression, the longest first: person-seconds by smoothed label."""
    total = sum(seconds.values())
    for label, value in sorted(seconds.items(), key=lambda item: -item[1]):
        bar = "█" * round(_BAR_WIDTH * value / total) if total else ""
        line = Text(f"  {label:10}").append(f"{bar:{_BAR_WIDTH}}", COLOURS[label])
        console.print(line.append(f" {value:.1f} person-seconds"))
