"""`moodline runs` and `moodline export`: what was analysed, and its rows. They start no broker."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from analytics.export.exporter import export_records
from analytics.export.record_pages import Selection
from analytics.removal.deletion import delete_run
from analytics.runs.run_list import RunLine, RunSummary, list_runs, run_summary
from analytics.runs.timeline import run_timeline
from contracts.expressions import COLOURS, UNCERTAIN
from contracts.runs import RunState
from moodline.terminal.timeline_chart import timeline_strip

_STATE_STYLES = {RunState.DONE: "green", RunState.FAILED: "red"}
_BAR_WIDTH = 40


def print_runs(
    engine: Engine, *, limit: int, source: str | None, as_json: bool, console: Console
) -> None:
    """The newest runs, one a line."""
    runs = list_runs(engine, limit=limit, source=source)
    if as_json:
        print_json({"runs": [_plain(asdict(run)) for run in runs]})
        return
    if not runs:
        console.print("No runs yet. `moodline analyze VIDEO` makes the first.", highlight=False)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("run", no_wrap=True)
    table.add_column("source", overflow="fold", max_width=36)
    for name in ("frames", "faces"):
        table.add_column(name, justify="right")
    table.add_column("recorded (UTC)", no_wrap=True)
    table.add_column("state")
    for run in runs:
        table.add_row(*_run_row(run))
    console.print(table)
    if len(runs) == limit:
        console.print(f"The newest {limit}; --limit shows more.", style="dim", highlight=False)


def print_run(engine: Engine, run_id: str, *, as_json: bool, console: Console) -> None:
    """One run: where it stands, what was read, and how much of it was seen."""
    summary = run_summary(engine, run_id)
    if as_json:
        print_json(_plain(asdict(summary)))
        return
    console.print(Text(summary.source, style="bold"))
    for name, value in _facts(summary):
        console.print(Text(f"  {name:12} ", style="dim").append(value, style="not dim"))
    console.print()
    _print_emotions(summary, console)
    if summary.faces:
        width = max(20, min(console.width - 4, 96))
        console.print(timeline_strip("", run_timeline(engine, run_id, width)))


def delete(engine: Engine, run_id: str, console: Console) -> None:
    """Delete a run and say what went with it."""
    summary = run_summary(engine, run_id)
    delete_run(engine, run_id)
    console.print(
        f"Deleted run {run_id} of {summary.source}: {summary.frames_analyzed:,} frames, "
        f"{summary.faces:,} faces, {summary.tracks:,} tracks.",
        highlight=False,
        markup=False,
    )


def export(  # noqa: PLR0913
    engine: Engine,
    out: Path,
    *,
    runs: tuple[str, ...],
    sources: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    frames: bool,
    console: Console,
) -> None:
    """Write the selected rows to a file, and say how many."""
    rows = export_records(engine, Selection(runs, sources, since, until, frames), out)
    console.print(f"{rows:,} rows in {out}", highlight=False, markup=False)


def print_json(value: object) -> None:
    """One JSON document to standard output."""
    print(json.dumps(value, indent=1))  # noqa: T201


def _run_row(run: RunLine) -> list[Text]:
    return [
        Text(run.run_id),
        Text(run.source),
        Text(f"{run.frames_analyzed:,}"),
        Text(f"{run.faces:,}"),
        Text(f"{run.recorded_at:%Y-%m-%d %H:%M}" if run.recorded_at else ""),
        Text(str(run.state), style=_STATE_STYLES.get(run.state, "yellow")),
    ]


def _facts(summary: RunSummary) -> list[tuple[str, str]]:
    coverage = summary.coverage
    total = "unknown" if summary.frames_total is None else f"{summary.frames_total:,}"
    dropped = ", ".join(f"{cause} {count:,}" for cause, count in coverage.dropped.items())
    return [
        ("run", summary.run_id),
        ("path", summary.path),
        ("state", f"{summary.state}{': ' + summary.error if summary.error else ''}"),
        ("recorded", _when(summary.recorded_at, summary.recorded_at_origin)),
        (
            "frames",
            f"{summary.frames_analyzed:,} analysed of {total}; {coverage.sampled_out:,} left out "
            f"by sampling; dropped: {dropped or 'none'}",
        ),
        ("faces", f"{summary.faces:,} in {summary.tracks:,} tracks"),
        ("analysed", f"{coverage.analyzed_s:.1f} s of {_seconds(summary.duration_s)}"),
        ("read with", f"{summary.model_version}, {summary.detector}"),
    ]


def _print_emotions(summary: RunSummary, console: Console) -> None:
    """A bar for each label: its share of the person-seconds."""
    total = sum(summary.emotions.values())
    if not total:
        return
    console.print(Text("  person-seconds by smoothed expression", style="dim"))
    for label, seconds in sorted(summary.emotions.items(), key=lambda item: -item[1]):
        if not seconds:
            continue
        bar = ("░" if label == UNCERTAIN else "█") * max(1, round(_BAR_WIDTH * seconds / total))
        line = Text(f"  {label:10}").append(bar, style=COLOURS[label])
        console.print(line.append(f" {seconds:.1f} ({seconds / total:.0%})"))


def _when(moment: datetime | None, origin: str | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC, by {origin}" if moment else "unknown"


def _seconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f} s"


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """JSON values: moments as ISO 8601."""
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in values.items()
    }
