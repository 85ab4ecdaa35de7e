"""The report at the end of `analyze`: one row a file, what failed and why, a timeline each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from analytics.runs.run_list import RunSummary
from contracts.runs import RunState

_MAX_TIMELINES: Final = 10


@dataclass(frozen=True, slots=True)
class FileReport:
    """What came of one path. summary: None when it was refused before it had a run."""

    path: str
    summary: RunSummary | None
    frames_now: int
    error: str

    @property
    def seconds(self) -> float:
        """From opening the file to the last commit."""
        summary = self.summary
        if summary is None or summary.started_at is None or summary.finished_at is None:
            return 0.0
        return (summary.finished_at - summary.started_at).total_seconds()

    @property
    def fps(self) -> float:
        return self.frames_now / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        """The documented fields of `--json`."""
        summary = self.summary
        return {
            "path": self.path,
            "run_id": summary.run_id if summary else None,
            "frames_total": summary.frames_total if summary else None,
            "frames_analyzed": summary.frames_analyzed if summary else 0,
            "faces": summary.faces if summary else 0,
            "tracks": summary.tracks if summary else 0,
            "emotions": {k: round(v, 3) for k, v in summary.emotions.items()} if summary else {},
            "seconds": round(self.seconds, 3),
            "fps": round(self.fps, 2),
            "state": str(summary.state) if summary else "failed",
            "error": self.error,
        }


def print_report(engine: Engine, reports: "Sequence[FileReport]", console: Console) -> None:
    """The table, then the failures with their causes, then a timeline for each file."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("file", overflow="fold", max_width=36)
    for name in ("frames", "faces", "tracks", "seconds", "fps"):
        table.add_column(name, justify="right")
    table.add_column("most read (person-seconds)")
    for report in reports:
        table.add_row(*_row(report))
    console.print(table)
    for report in reports:
        if report.error:
            line = Text(f"{Path(report.path).name}: ", style="bold red")
            console.print(line.append(report.error, style="not bold default"), soft_wrap=True)
    if len(reports) > 1:
        failed = sum(bool(report.error) for report in reports)
        verdict = f", {failed:,} failed" if failed else ", all read"
        console.print(f"{len(reports):,} recordings{verdict}.", highlight=False)
    done = [r for r in reports if r.summary is not None and r.summary.faces]
    for report in done[:_MAX_TIMELINES]:
        _print_timeline(engine, report, console)
    if len(done) > _MAX_TIMELINES:
        console.print(
            f"\nThe first {_MAX_TIMELINES} of {len(done):,} timelines; "
            "`moodline runs show RUN` draws any.",
            highlight=False,
        )


def _row(report: "FileReport") -> list[Text]:
    summary, name = report.summary, Path(report.path).name
    if summary is None or (report.error and not summary.frames_analyzed):
        return [Text(name), *[Text("")] * 5, Text("failed", style="red")]
    if not sum(summary.emotions.values()) and summary.faces:
        # A still has no duration, hence no person-seconds.
        return [*_counts(report, summary), Text("a still: no person-seconds")]
    top = sorted(summary.emotions.items(), key=lambda item: -item[1])[:3]
    read = ", ".join(f"{label} {seconds:.1f}" for label, seconds in top if seconds > 0)
    if summary.state is RunState.FAILED:
        read = f"{read} (incomplete)"
    return [*_counts(report, summary), Text(read or "no faces")]


def _counts(report: "FileReport", summary: RunSummary) -> list[Text]:
    return [
        Text(Path(report.path).name),
        Text(f"{summary.frames_analyzed:,}"),
        Text(f"{summary.faces:,}"),
        Text(f"{summary.tracks:,}"),
        Text(f"{report.seconds:.1f}"),
        Text(f"{report.fps:.0f}"),
    ]


def _print_timeline(engine: Engine, report: "FileReport", console: Console) -> None:
    from analytics.runs.timeline import run_timeline
    from moodline.terminal.timeline_chart import timeline_strip

    assert report.summary is not None
    width = max(20, min(console.width - 4, 96))
    buckets = run_timeline(engine, report.summary.run_id, width)
    console.print(timeline_strip(Path(report.path).name, buckets))
