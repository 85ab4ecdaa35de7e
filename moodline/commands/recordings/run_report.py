"""Runs as `moodline runs` prints them."""

from dataclasses import asdict
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.text import Text
from sqlalchemy import Engine

from analytics.recordings.provenance import Provenance, provenance_json, provenance_of
from analytics.runs.run_list import RunLine, list_runs
from analytics.runs.run_summary import RunSummary, run_summary
from analytics.runs.timeline import run_timeline
from analytics.snapshots import in_snapshot, snapshot
from contracts.expressions import COLOURS, UNCERTAIN
from contracts.runs import RunState
from contracts.settings import Settings
from contracts.zones.zone import zones_text
from moodline.analysis.run_spec import card_in_use
from moodline.terminal.output import Screen, new_table, print_json
from moodline.terminal.timeline_chart import chart_width, timeline_chart
from runtime.visible_text import visible

_ORIGINS: Final = {
    "recorded_at": "given",
    "set": "by hand",
    "pattern": "name",
    "container": "header",
    "container_end": "header",
    "mtime": "file",
    "mtime_end": "file",
    "live": "clock",
}
"""How the time of a recording is known, in a word; `runs show` says it in full."""
_STATE_STYLES: Final = {RunState.DONE: "green", RunState.FAILED: "red"}
_BAR_WIDTH: Final = 40


def print_runs(engine: Engine, *, limit: int, source: str | None, as_json: bool) -> None:
    """Print the newest runs, one per line."""
    runs = in_snapshot(engine, list_runs, limit=limit, source=source)
    console = Screen()
    if as_json:
        print_json({"runs": runs})
        return
    if not runs:
        console.print(
            "No runs yet. Analyse a recording with `moodline analyze VIDEO`.", highlight=False
        )
        return
    table = new_table("run", whole=["run"])
    table.add_column("source", overflow="fold", max_width=36)
    for name in ("frames", "faces"):
        table.add_column(name, justify="right")
    table.add_column("recorded (UTC)", no_wrap=True)
    table.add_column("from", no_wrap=True)
    table.add_column("state")
    for run in runs:
        table.add_row(*_run_row(run))
    console.print(table)
    if len(runs) == limit:
        console.print(
            f"These are the newest {limit}. Use --limit to list more.", style="dim", highlight=False
        )


def print_run(settings: Settings, engine: Engine, run_id: str, *, as_json: bool) -> None:
    """Print one run: its state, its results, its coverage and what made it.

    Raises RunNotFoundError.
    """
    console = Screen()
    with snapshot(engine) as connection:
        summary = run_summary(connection, run_id)
        (made_by,) = provenance_of(connection, [run_id], card_in_use(settings))
        if as_json:
            print_json(asdict(summary) | {"provenance": provenance_json(made_by)})
            return
        buckets = run_timeline(connection, run_id, chart_width(console))
    console.print(Text(visible(summary.source), style="bold"))
    for name, value in (*_facts(summary), *_provenance_facts(made_by)):
        console.print(Text(f"  {name:12} ", style="dim").append(visible(value), style="not dim"))
    console.print()
    _print_expressions(summary, console)
    if summary.faces:
        console.print(timeline_chart("", buckets))


def _run_row(run: RunLine) -> list[Text]:
    return [
        Text(run.run_id),
        Text(run.source),
        Text(f"{run.frames_analyzed:,}"),
        Text(f"{run.faces:,}"),
        Text(f"{run.recorded_at:%Y-%m-%d %H:%M}" if run.recorded_at else ""),
        Text(_ORIGINS.get(run.recorded_at_origin or "", ""), style="dim"),
        Text(str(run.state), style=_STATE_STYLES.get(run.state, "yellow")),
    ]


def _facts(summary: RunSummary) -> list[tuple[str, str]]:
    coverage = summary.coverage
    total = "unknown" if summary.frames_total is None else f"{summary.frames_total:,}"
    dropped = ", ".join(f"{cause} {count:,}" for cause, count in coverage.dropped.items())
    return [
        ("run", summary.run_id),
        ("path", summary.path),
        *_copy_fact(summary),
        ("state", f"{summary.state}{': ' + summary.error if summary.error else ''}"),
        ("recorded", _recorded_at(summary.recorded_at, summary.recorded_text)),
        (
            "frames",
            f"{summary.frames_analyzed:,} analysed of {total}; {coverage.sampled_out:,} skipped "
            f"by sampling; dropped: {dropped or 'none'}",
        ),
        ("faces", f"{summary.faces:,} in {summary.tracks:,} tracks"),
        ("left out", summary.left_out.text or "nothing"),
        ("zones", zones_text(summary.zones) or "none"),
        ("analysed", f"{coverage.analyzed_s:.1f} s of {_seconds(summary.duration_s)}"),
        ("model", f"{summary.model_version}, detector {summary.detector}"),
    ]


def _copy_fact(summary: RunSummary) -> list[tuple[str, str]]:
    if summary.copy_of is None:
        return []
    return [("copy of", f"{summary.copy_of_source}, run {summary.copy_of}: the same content")]


def _provenance_facts(made_by: Provenance) -> list[tuple[str, str]]:
    rate = "every frame" if made_by.sampling_fps is None else f"{made_by.sampling_fps:g} frames/s"
    threshold = made_by.uncertain_below
    below = "the model card's threshold" if threshold is None else f"{threshold:g}"
    options = made_by.options
    window_s = options.get("window_s", 0.0)
    read = (
        f"read from {window_s:g} s around each moment"
        if window_s
        else f"smoothed over {options['smoothing_s']:g} s"
    )
    size = "" if made_by.file_bytes is None else f", {made_by.file_bytes:,} bytes"
    facts = [
        ("made by", f"moodline {made_by.made_by or 'of an earlier version, which is not known'}"),
        (
            "options",
            f"{rate}; {read}; uncertain below {below}; faces from {options['min_face_px']} px; "
            f"frames of at most {options['max_frame_side']} px",
        ),
    ]
    if made_by.file_sha256:
        facts.append(("file", f"SHA-256 {made_by.file_sha256}{size}"))
    return facts


def _print_expressions(summary: RunSummary, console: Console) -> None:
    """Print a bar for each label: its share of the person-seconds."""
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


def _recorded_at(moment: datetime | None, origin: str) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC, {origin}" if moment else "unknown"


def _seconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f} s"
