"""`moodline analyze`: from paths to stored results, a report and exports.

What decodes, draws and exports is imported where it is used: the workers start earlier.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from analytics.runs.run_summary import run_summaries
from analytics.snapshots import in_snapshot
from contracts.errors import SettingsError
from contracts.settings import Settings
from contracts.zones.picture_options import AS_IN_SETTINGS, PictureOptions
from ingest.files.capture_time import compile_pattern
from ingest.files.discovery import NotRead, OnNotRead, Recording, RefusedPath, discover
from moodline.analysis.batch import BatchAnalysis
from moodline.analysis.progress import ProgressDisplay
from moodline.analysis.queueing import FileProgress, JobTemplate, queue_files
from moodline.analysis.report import FileReport, Outcome, print_not_read, print_report
from moodline.analysis.run_spec import analysis_spec, card_in_use
from moodline.stack.stack import Stack
from moodline.terminal.output import Screen, error_console, print_json, print_line
from records.audit import MOODLINE
from records.database import open_engine
from records.schema import upgrade
from runtime.decoding.memory_limit import limited_memory
from runtime.files.free_space import FreeSpace
from runtime.processes.children import StartChild

_MAX_WORKERS: Final = 16


@dataclass(frozen=True, slots=True)
class AnalyzeRequest:
    """The options of one `moodline analyze`, as given. actor: the name that the audit records."""

    fps: float | None = None
    workers: int | None = None
    recorded_at: datetime | None = None
    recorded_at_pattern: str | None = None
    source: str | None = None
    again: bool = False
    export: Path | None = None
    frames: bool = False
    annotate: Path | None = None
    pictures: PictureOptions = AS_IN_SETTINGS
    detach: bool = False
    as_json: bool = False
    progress: bool = True
    actor: str = MOODLINE

    def template(self, settings: Settings) -> JobTemplate:
        """Return what the runs of this command have in common. Raises ModelError."""
        zone = settings.timezone
        return JobTemplate(
            spec=analysis_spec(settings, pictures=self.pictures),
            sampling_fps=self.fps,
            source=self.source,
            recorded_at=self.recorded_at,
            recorded_at_pattern=self.recorded_at_pattern,
            recorded_at_zone=None if zone.key == "UTC" else zone.key,
            again=self.again,
            folders=settings.shared_folders,
        )


def analyze_paths(
    settings: Settings,
    paths: Sequence[str],
    request: AnalyzeRequest,
    start: StartChild | None = None,
) -> Outcome:
    """Analyse, report and export. start: see Stack.

    Raises SettingsError, ExportError, ModelError, DatabaseError, BrokerError.
    """
    not_read: list[NotRead] = []
    found = _checked_paths(paths, request, not_read.append)
    engine = open_engine(settings.effective_database_url)
    try:
        upgrade(engine)
        if request.detach:
            outcome = _queue(settings, engine, found, request)
            print_not_read(not_read, error_console() if request.as_json else Screen())
            return outcome
        reports = run_analysis(settings, engine, found, request, start)
        if request.export is not None:
            _export(settings, engine, reports, request)
        if request.annotate is not None:
            _annotate(settings, engine, reports, request)
        if request.as_json:
            others = [asdict(one) for one in not_read]
            print_json({"files": [one.as_json() for one in reports], "not_read": others})
        else:
            print_report(engine, reports, Screen())
            print_not_read(not_read, Screen())
    finally:
        engine.dispose()
    return Outcome.of(reports)


def run_analysis(
    settings: Settings,
    engine: Engine,
    found: Sequence[Recording | RefusedPath],
    request: AnalyzeRequest,
    start: StartChild | None = None,
) -> list[FileReport]:
    """Analyse the recordings with a stack of this command's own; return a report for each."""
    template = request.template(settings)
    workers = request.workers or min(os.cpu_count() or 1, _MAX_WORKERS)
    workers = max(1, min(workers, len(found)))
    with (
        ProgressDisplay(enabled=request.progress) as display,
        Stack(settings, engine, workers=workers, ingestors=workers, start=start) as stack,
    ):
        files = BatchAnalysis(settings, engine, stack, template, display.show).run(found)
    return _reports(engine, files)


def _checked_paths(
    paths: Sequence[str], request: AnalyzeRequest, on_not_read: OnNotRead
) -> list[Recording | RefusedPath]:
    """Return the recordings. Raises the error of an option that could not work later."""
    if request.recorded_at_pattern is not None:
        compile_pattern(request.recorded_at_pattern)
    if request.export is not None:
        from analytics.export.exporter import check_export_path

        check_export_path(request.export)
    if request.annotate is not None:
        from moodline.analysis.annotation import check_annotation_path

        check_annotation_path(request.annotate)
    found = discover(paths, on_not_read)
    if request.annotate is not None and len(found) != 1:
        raise SettingsError(
            f"--annotate takes one recording, but there are {len(found)}",
            hint="Give the path of one file",
        )
    if request.detach and (request.export is not None or request.annotate is not None):
        raise SettingsError(
            "--export and --annotate cannot be used with --detach, which only queues",
            hint="Run `moodline export` when the jobs have ended",
        )
    return found


def _queue(
    settings: Settings,
    engine: Engine,
    found: Sequence[Recording | RefusedPath],
    request: AnalyzeRequest,
) -> Outcome:
    """Queue the recordings for the services; `FAILED` if any path was refused."""
    files = queue_files(settings, engine, found, request.template(settings))
    if request.as_json:
        print_json(
            {
                "files": [
                    {
                        "path": one.path,
                        "run_id": one.run.run_id if one.run else None,
                        "state": str(one.run.state) if one.run else "failed",
                        "error": one.error,
                    }
                    for one in files
                ]
            }
        )
    else:
        for one in files:
            result = f"{one.run.run_id} {one.run.state}" if one.run else one.error
            print_line(f"{one.path}: {result}")
        print_line("`moodline jobs watch` shows their progress.")
    return Outcome.FAILED if any(one.error for one in files) else Outcome.COMPLETE


def _reports(engine: Engine, files: Sequence[FileProgress]) -> list[FileReport]:
    run_ids = list(dict.fromkeys(one.run.run_id for one in files if one.run is not None))
    summaries = (
        {s.run_id: s for s in in_snapshot(engine, run_summaries, run_ids)} if run_ids else {}
    )
    reports = []
    first_paths: dict[str, str] = {}
    for progress in files:
        summary = summaries[progress.run.run_id] if progress.run else None
        error = progress.error
        if summary is not None and summary.error:
            first = first_paths.setdefault(summary.run_id, progress.path)
            is_first = first == progress.path
            error = summary.error if is_first else f"same content as {first}: {summary.error}"
        reused = progress.run is not None and progress.run.reused
        before = 0 if reused else progress.frames_before
        is_copy = summary is not None and summary.copy_of is not None
        reports.append(
            FileReport(
                path=progress.path,
                summary=summary,
                frames_now=summary.frames_analyzed - before if summary and not is_copy else 0,
                error=error,
            )
        )
    return reports


def _export(
    settings: Settings, engine: Engine, reports: Sequence[FileReport], request: AnalyzeRequest
) -> None:
    from analytics.audit import audit_export
    from analytics.export.exporter import export_records
    from analytics.export.record_pages import Selection

    run_ids = tuple(dict.fromkeys(r.summary.run_id for r in reports if r.summary is not None))
    if run_ids and request.export is not None:
        selection = Selection(run_ids=run_ids, frames=request.frames)
        space, card = FreeSpace(settings.min_free_bytes), card_in_use(settings)
        rows = export_records(engine, selection, request.export, space, card=card)
        audit_export(engine, request.actor, file=str(request.export), rows=rows, runs=run_ids)


def _annotate(
    settings: Settings, engine: Engine, reports: Sequence[FileReport], request: AnalyzeRequest
) -> None:
    from analytics.audit import audit_export
    from ingest.decoding_limits import DecodingLimits
    from moodline.analysis.annotation import annotate_recording

    (report,), out = reports, request.annotate
    if out is not None and report.summary is not None and report.summary.frames_analyzed:
        recording = Path(report.path)
        limits = DecodingLimits(settings.max_source_megapixels)
        space = FreeSpace(settings.min_free_bytes)
        with limited_memory(settings.decoder_memory_mb):
            annotate_recording(engine, report.summary.run_id, recording, out, space, limits=limits)
        audit_export(engine, request.actor, file=str(out), run=report.summary.run_id)
