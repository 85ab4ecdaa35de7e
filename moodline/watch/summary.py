"""The end of `moodline watch`: a JSON document or a chart of what was seen."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from contracts.errors import ExportError
from contracts.expressions import COLOURS
from contracts.zones.picture_options import AS_IN_SETTINGS, PictureOptions
from moodline.terminal.output import print_json

_BAR_WIDTH: Final = 28


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """The options of `moodline watch`. seconds: None watches until Ctrl-C, or a file's end.

    pictures: of a source that was not added.
    """

    fps: float | None = None
    seconds: float | None = None
    as_json: bool = False
    out: Path | None = None
    pictures: PictureOptions = AS_IN_SETTINGS


def report_summary(
    summary: Mapping[str, Any], options: WatchOptions, print_summary: Callable[[], None]
) -> None:
    """Print the summary, as JSON if asked for, and write it to the output file if there is one.

    Raises ExportError.
    """
    if options.out is not None:
        try:
            options.out.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
        except OSError as exc:
            raise ExportError(
                f"cannot write {options.out}: {exc.strerror}", hint="Choose another file with --out"
            ) from exc
    if options.as_json:
        print_json(summary)
    else:
        print_summary()


def print_frame_counts(counts: Mapping[str, Any], begin: str, end: str, console: Console) -> None:
    """Print one sentence with the captured, sampled out, analysed and dropped frames."""
    dropped = "".join(f", {count:,} dropped ({why})" for why, count in counts["dropped"].items())
    console.print(
        f"{begin}{counts['captured']:,} frames captured, {counts['sampled_out']:,} sampled out, "
        f"{counts['analyzed']:,} analysed{dropped}{end}.",
        highlight=False,
        soft_wrap=True,
    )


def print_chart(seconds: Mapping[str, float], console: Console) -> None:
    """Print a bar for each label, the longest first. seconds: person-seconds by smoothed label."""
    total = sum(seconds.values())
    for label, value in sorted(seconds.items(), key=lambda item: -item[1]):
        bar = "█" * round(_BAR_WIDTH * value / total) if total else ""
        line = Text(f"  {label:10}").append(f"{bar:{_BAR_WIDTH}}", COLOURS[label])
        console.print(line.append(f" {value:.1f} person-seconds"))


def rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    """Return durations rounded to a tenth of a second."""
    return {name: round(value, 1) for name, value in seconds.items()}
