"""A recording's expressions as one line of the terminal. Pure."""

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from analytics.runs.timeline import Bucket
from contracts.expressions import COLOURS, EXPRESSIONS, UNCERTAIN

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


def timeline_strip(name: str, buckets: Sequence[Bucket]) -> Text:
    """A letter a bucket: the label of most person-seconds; `.` nobody there, blank not analysed."""
    text = Text(f"\n{name}\n", style="bold")
    text.append("|", style="dim not bold")
    for bucket in buckets:
        text.append(*_cell(bucket))
    text.append("|\n", style="dim not bold")
    end_s = buckets[-1].end_s if buckets else 0.0
    width = max(len(buckets) - 4, 1)
    text.append(f" 0:00{_clock(end_s):>{width}}", style="not bold")
    present = {label for bucket in buckets for label in bucket.faces}
    shown = [label for label in (*EXPRESSIONS, UNCERTAIN) if label in present]
    text.append("\n ")
    for label in shown:
        text.append(LETTERS[label], style=f"bold {COLOURS[label]}")
        text.append(f" {label}  ", style="not bold")
    text.append(". nobody", style="dim not bold")
    return text


def _cell(bucket: Bucket) -> tuple[str, str]:
    if bucket.is_gap:
        return " ", ""
    shares = bucket.emotions or bucket.faces
    if not shares:
        return ".", "dim not bold"
    label = max(shares, key=lambda one: shares[one])
    return LETTERS[label], f"bold {COLOURS[label]}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
