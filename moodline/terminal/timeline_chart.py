"""A run's timeline as one line of text: a letter for each bucket."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from analytics.runs.timeline import MediaBucket
from contracts.expressions import COLOURS, LABELS, UNCERTAIN
from runtime.visible_text import visible

LETTERS: Final = {
    "happy": "H",
    "surprise": "U",
    "neutral": "N",
    "sad": "S",
    "fear": "F",
    "disgust": "D",
    "angry": "A",
    UNCERTAIN: "?",
}
_NARROWEST, _WIDEST = 20, 96


def chart_width(console: Console, margin: int = 4) -> int:
    """Return how many buckets fit into a line of the console, beside a margin in characters."""
    return max(_NARROWEST, min(console.width - margin, _WIDEST))


def timeline_chart(name: str, buckets: Sequence[MediaBucket]) -> Text:
    """Return the chart, its time axis and its legend.

    The letter is the label with the most person-seconds. `.` is nobody in view, blank is not
    analysed.
    """
    text = Text(f"\n{visible(name)}\n", style="bold")
    text.append("|", style="dim not bold")
    for bucket in buckets:
        text.append(*_cell(bucket))
    text.append("|\n", style="dim not bold")
    end_s = buckets[-1].end_s if buckets else 0.0
    width = max(len(buckets) - 4, 1)
    text.append(f" 0:00{_minutes(end_s):>{width}}", style="not bold")
    present = {label for bucket in buckets for label in bucket.faces}
    text.append("\n ")
    for label in LABELS:
        if label in present:
            text.append(LETTERS[label], style=f"bold {COLOURS[label]}")
            text.append(f" {label}  ", style="not bold")
    text.append("\n . nobody", style="dim not bold")
    return text


def _cell(bucket: MediaBucket) -> tuple[str, str]:
    """Return the letter of a bucket and its style."""
    if bucket.is_gap:
        return " ", ""
    amounts = bucket.emotions or bucket.faces
    if not amounts:
        return ".", "dim not bold"
    label = max(amounts, key=lambda one: amounts[one])
    return LETTERS[label], f"bold {COLOURS[label]}"


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
