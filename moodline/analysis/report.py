"""The report of `moodline analyze`: a table of the files, the failures, and timelines."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text
from sqlalchemy import Engine

from analytics.runs.run_summary import RunSummary
from analytics.runs.timeline import run_timeline
from analytics.snapshots import in_snapshot
from contracts.frames import DropCause
from contracts.runs import RunState
from ingest.files.discovery import NotRead
from moodline.terminal.output import new_table
from moodline.terminal.timeline_chart import chart_width, timeline_chart
from runtime.visible_text import visible

_MAX_TIMELINES: Final = 10
_MOST_FREQUENT: Final = 3
_MAX_NOT_READ_NAMES: Final = 3


class Outcome(IntEnum):
    """The result of a command that analyses recordings; its value is the exit status."""

    COMPLETE = 0
    FAILED = 1
    FRAMES_LOST = 3

    @classmethod
    def of(cls, reports: Sequence["FileReport"]) -> "Outcome":
        """Return the worst that happened to one of the files."""
        if any(report.error for report in reports):
            return cls.FAILED
        return cls.FRAMES_LOST if any(report.lost for report in reports) else cls.COMPLETE


@dataclass(frozen=True, slots=True)
class FileReport:
    """The result for one path.

    summary: None if the path was refused before it had a run. frames_now: frames that this
    command analysed.
    """

    path: str
    summary: RunSummary | None
    frames_now: int
    error: str

    @property
    def seconds(self) -> float:
        """The time from opening the file to the last commit."""
        summary = self.summary
        if summary is None or summary.started_at is None or summary.finished_at is None:
            return 0.0
        return (summary.finished_at - summary.started_at).total_seconds()

    @property
    def fps(self) -> float:
        return self.frames_now / self.seconds if self.seconds else 0.0

    @property
    def lost(self) -> dict[str, int]:
        """The frames that could not be analysed, by cause; not those that were erased later."""
        dropped = self.summary.coverage.dropped if self.summary else {}
        causes = {str(cause) for cause in DropCause}
        return {cause: count for cause, count in sorted(dropped.items()) if cause in causes}

    def as_json(self) -> dict[str, Any]:
        """Return the documented fields of `--json`."""
        summary = self.summary
        recorded_at = summary.recorded_at if summary else None
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
            "dropped": self.lost,
            "left_out": asdict(summary.left_out) if summary else {},
            "hint": summary.turned.text if summary and summary.turned else "",
            "recorded_at": recorded_at.isoformat() if recorded_at else None,
            "recorded_text": summary.recorded_text if summary else "",
            "copy_of": summary.copy_of if summary else None,
        }


def print_report(engine: Engine, reports: Sequence[FileReport], console: Console) -> None:
    """Print the table, then each failure with its cause, then a timeline per file."""
    table = new_table(header=True)
    table.add_column("file", overflow="fold", max_width=36)
    for name in ("frames", "faces", "tracks", "took (s)", "fps"):
        table.add_column(name, justify="right")
    table.add_column("most frequent (person-seconds)")
    for report in reports:
        table.add_row(*_row(report))
    console.print(table)
    for report in reports:
        if report.error:
            console.print(_failure(report), soft_wrap=True)
        if report.lost:
            console.print(Text(visible(_loss(report)), style="yellow"), soft_wrap=True)
        if report.summary is not None and (left_out := report.summary.left_out.text):
            line = Text(visible(f"{Path(report.path).name}: left out: {left_out}"), style="dim")
            console.print(line, soft_wrap=True)
        if report.summary is not None and report.summary.recorded_in_future:
            text = f"recorded {report.summary.recorded_at}, {report.summary.recorded_text}"
            line = Text(visible(f"{Path(report.path).name}: {text}"), style="yellow")
            console.print(line, soft_wrap=True)
        if report.summary is not None and report.summary.turned:
            hint = f"{Path(report.path).name}: {report.summary.turned.text}"
            console.print(Text(visible(hint), style="yellow"), soft_wrap=True)
    if len(reports) > 1:
        failed = sum(bool(report.error) for report in reports)
        verdict = f"{failed:,} failed" if failed else "all analysed"
        if copies := _copies_text(reports):
            verdict += f"; {copies}"
        if incomplete := sum(bool(report.lost) for report in reports):
            verdict += f", {incomplete:,} with lost frames"
        console.print(f"{len(reports):,} recordings, {verdict}.", highlight=False)
    _print_timelines(engine, reports, console)


def print_not_read(not_read: Sequence[NotRead], console: Console) -> None:
    """Print one line on the members of folders that were not read; nothing if all were."""
    by_reason: dict[str, list[str]] = {}
    for one in not_read:
        by_reason.setdefault(one.reason, []).append(Path(one.path).name)
    parts = []
    for reason, names in by_reason.items():
        shown = ", ".join(names[:_MAX_NOT_READ_NAMES])
        more = ", ..." if len(names) > _MAX_NOT_READ_NAMES else ""
        noun = (
            reason
            if len(names) == 1
            else reason.replace("file", "files").replace("folder", "folders")
        )
        parts.append(f"{len(names):,} {noun} ({shown}{more})")
    if parts:
        console.print(Text(visible(f"Not read: {'; '.join(parts)}")), soft_wrap=True)


def _copies_text(reports: Sequence[FileReport]) -> str:
    """Return how many recordings have the content of how many others; "" if none has."""
    copies = [one.summary for one in reports if one.summary is not None and one.summary.copy_of]
    if not copies:
        return ""
    originals = {one.copy_of: one.copy_of_source for one in copies}
    those = str(next(iter(originals.values()))) if len(originals) == 1 else f"{len(originals):,}"
    noun = "is a copy" if len(copies) == 1 else "are copies"
    return f"{len(copies):,} {noun} of {visible(those)} (the same content, analysed once)"


def _failure(report: FileReport) -> Text:
    """Return one line with the file's name, once, and its error."""
    name = visible(Path(report.path).name)
    error = visible(report.error)
    text = error.removeprefix(name) if error.startswith(f"{name} ") else f": {error}"
    return Text(name, style="bold red").append(text, style="not bold default")


def _loss(report: FileReport) -> str:
    """Return one line on a file's lost frames and the causes."""
    assert report.summary is not None
    lost, captured = sum(report.lost.values()), report.summary.coverage.captured
    causes = ", ".join(f"{count:,} {cause}" for cause, count in report.lost.items())
    name = Path(report.path).name
    return f"{name}: {lost:,} of {captured:,} frames were lost and are not analysed ({causes})"


def _print_timelines(engine: Engine, reports: Sequence[FileReport], console: Console) -> None:
    with_faces = [
        (Path(report.path).name, report.summary.run_id)
        for report in reports
        # A copy's would be that of its original.
        if report.summary is not None and report.summary.faces and not report.summary.copy_of
    ]
    for name, run_id in with_faces[:_MAX_TIMELINES]:
        buckets = in_snapshot(engine, run_timeline, run_id, chart_width(console))
        console.print(timeline_chart(name, buckets))
    if len(with_faces) > _MAX_TIMELINES:
        console.print(
            f"\nThese are the first {_MAX_TIMELINES} of {len(with_faces):,} timelines. "
            "`moodline runs show RUN` shows any other.",
            highlight=False,
        )


def _row(report: FileReport) -> list[Text]:
    summary, name = report.summary, Path(report.path).name
    if summary is None or (report.error and not summary.frames_analyzed):
        return [Text(name), *[Text("")] * 5, Text("failed", style="red")]
    if not sum(summary.emotions.values()) and summary.faces:
        return [*_counts(report, summary), Text("none: a still image has no duration")]
    top = sorted(summary.emotions.items(), key=lambda item: -item[1])[:_MOST_FREQUENT]
    labels = ", ".join(f"{label} {seconds:.1f}" for label, seconds in top if seconds > 0)
    if summary.state is RunState.FAILED:
        labels = f"{labels} (incomplete)"
    none = "no people" if summary.left_out.text else "no faces"
    original = Path(summary.copy_of_source or "").name
    copy = f"; copy of {visible(original)}" if original else ""
    return [*_counts(report, summary), Text(labels or none).append(copy, style="dim")]


def _counts(report: FileReport, summary: RunSummary) -> list[Text]:
    return [
        Text(Path(report.path).name),
        Text(f"{summary.frames_analyzed:,}"),
        Text(f"{summary.faces:,}"),
        Text(f"{summary.tracks:,}"),
        Text(f"{report.seconds:.1f}"),
        Text("" if summary.copy_of else f"{report.fps:.0f}"),
    ]
