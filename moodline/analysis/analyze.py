"""`moodline analyze`: from paths to records, a report and exports."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from sqlalchemy import Engine

from analytics.export.exporter import check_export_path, export_records
from analytics.export.record_pages import Selection
from analytics.runs.run_list import run_summaries
from contracts.errors import SettingsError
from contracts.settings import Settings
from contracts.shared_folders import SharedFolders
from inference_worker.faces.detect import detector_id
from ingest.files.capture_time import compile_pattern
from ingest.files.discovery import Recording, RefusedPath, discover
from moodline.analysis.annotation import annotate_recording, check_annotation_path
from moodline.analysis.batch import AnalysisRun, FileProgress, Pins, queue_files
from moodline.analysis.progress import ProgressDisplay
from moodline.analysis.report import FileReport, print_report
from moodline.analysis.run_spec import analysis_options, model_card
from moodline.stack.stack import Stack
from records.database import open_engine, upgrade

_MAX_WORKERS = 16


@dataclass(frozen=True, slots=True)
class AnalyzeOptions:
    """The options of one `analyze`, as given."""

    fps: float | None = None
    workers: int | None = None
    recorded_at: datetime | None = None
    recorded_at_pattern: str | None = None
    source: str | None = None
    again: bool = False
    export: Path | None = None
    frames: bool = False
    annotate: Path | None = None
    detach: bool = False
    as_json: bool = False
    progress: bool = True


def analyze_paths(settings: Settings, paths: Sequence[str], options: AnalyzeOptions) -> bool:
    """Analyse, report, export. Whether any file failed."""
    if options.recorded_at_pattern is not None:
        compile_pattern(options.recorded_at_pattern)
    if options.export is not None:
        check_export_path(options.export)
    if options.annotate is not None:
        check_annotation_path(options.annotate)
    found = discover(paths)
    if options.annotate is not None and len(found) != 1:
        raise SettingsError(
            f"--annotate draws one recording, not {len(found)}", hint="Name one file"
        )
    if options.detach and (options.export is not None or options.annotate is not None):
        raise SettingsError(
            "--detach only queues: there is nothing to export or draw yet",
            hint="`moodline export` writes the rows when the jobs have ended",
        )
    engine = open_engine(settings.effective_database_url)
    upgrade(engine)
    if options.detach:
        return _queue(settings, engine, found, options)
    reports = run_analysis(settings, engine, found, options)
    if options.export is not None:
        _export(engine, reports, options)
    if options.annotate is not None:
        _annotate(engine, reports, options.annotate)
    if options.as_json:
        print(json.dumps({"files": [report.as_json() for report in reports]}, indent=1))  # noqa: T201
    else:
        print_report(engine, reports, Console())
    engine.dispose()
    return any(report.error for report in reports)


def run_analysis(
    settings: Settings,
    engine: Engine,
    found: Sequence[Recording | RefusedPath],
    options: AnalyzeOptions,
) -> list[FileReport]:
    """Work through the recordings with a stack of this command's own; a report for each."""
    pins = _pins(settings, options)
    workers = options.workers or min(os.cpu_count() or 1, _MAX_WORKERS)
    workers = max(1, min(workers, len(found)))
    with (
        ProgressDisplay(enabled=options.progress) as display,
        Stack(settings, engine, workers=workers, ingestors=workers) as stack,
    ):
        files = AnalysisRun(settings, engine, stack, pins, display.show).run(found)
    return _reports(engine, files)


def _queue(
    settings: Settings,
    engine: Engine,
    found: Sequence[Recording | RefusedPath],
    options: AnalyzeOptions,
) -> bool:
    """Make the runs and leave them to services. Whether any path was refused."""
    files = queue_files(settings, engine, found, _pins(settings, options))
    if options.as_json:
        jobs = [
            {
                "path": one.path,
                "run_id": one.ticket.run_id if one.ticket else None,
                "state": str(one.ticket.state) if one.ticket else "failed",
                "error": one.error,
            }
            for one in files
        ]
        print(json.dumps({"files": jobs}, indent=1))  # noqa: T201
    else:
        console = Console(soft_wrap=True, highlight=False, markup=False)
        for one in files:
            said = f"{one.ticket.run_id} {one.ticket.state}" if one.ticket else one.error
            console.print(f"{one.path}: {said}")
        console.print("`moodline jobs watch` shows how they go.")
    engine.dispose()
    return any(one.error for one in files)


def _pins(settings: Settings, options: AnalyzeOptions) -> Pins:
    card = model_card(settings)
    return Pins(
        detector=detector_id(settings.detector),
        model_version=card.version,
        options=analysis_options(settings),
        sampling_fps=options.fps,
        source=options.source,
        recorded_at=options.recorded_at,
        recorded_at_pattern=options.recorded_at_pattern,
        again=options.again,
        folders=SharedFolders.parse(settings.shared_folders),
    )


def _reports(engine: Engine, files: Sequence[FileProgress]) -> list[FileReport]:
    run_ids = list(dict.fromkeys(f.ticket.run_id for f in files if f.ticket is not None))
    summaries = {s.run_id: s for s in run_summaries(engine, run_ids)} if run_ids else {}
    reports = []
    for progress in files:
        summary = summaries[progress.ticket.run_id] if progress.ticket else None
        reused = progress.ticket is not None and progress.ticket.reused
        before = 0 if reused else progress.frames_before
        reports.append(
            FileReport(
                path=progress.path,
                summary=summary,
                frames_now=summary.frames_analyzed - before if summary else 0,
                error=progress.error or (summary.error if summary else ""),
            )
        )
    return reports


def _export(engine: Engine, reports: Sequence[FileReport], options: AnalyzeOptions) -> None:
    assert options.export is not None
    run_ids = tuple(dict.fromkeys(r.summary.run_id for r in reports if r.summary is not None))
    if run_ids:
        export_records(engine, Selection(run_ids=run_ids, frames=options.frames), options.export)


def _annotate(engine: Engine, reports: Sequence[FileReport], out: Path) -> None:
    (report,) = reports
    if report.summary is not None and report.summary.frames_analyzed:
        annotate_recording(engine, report.summary.run_id, Path(report.path), out)
