"""RunRecords: the rows of a recording's run that its publisher reads and writes."""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Engine, select, update

from contracts.analysis_spec import AnalysisOptions
from contracts.runs import ENDED_STATES, RunState
from contracts.shared_folders import SharedFolders
from contracts.times import from_micros, utc_now
from ingest.files.capture_time import BaseTime, FileTimes, base_time, is_future
from ingest.files.content_hash import Content
from ingest.frame_source import SourceInfo
from records.database import reading, transaction
from records.json_columns import decode_run_options
from records.locks import lock_queue
from records.runs.counted_runs import stop_counting
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source

log = structlog.get_logger()

_TOKEN_BITS: Final = 62
_CHANGED: Final = "changed"
"""`runs.file_state` of a recording that was changed while it was read: no file has this state."""


@dataclass(frozen=True, slots=True)
class RecordingRun:
    """A run of a recording, as stored.

    content: as it was queued. recorded_at, recorded_at_pattern, recorded_at_zone: the user's,
    for the base time.
    base_time: of an earlier start of this run, or set by hand; None at the first start.
    drops_damaged: as in RunOptions. is_copy: it gets its rows from another run. was_started:
    whether its length is stored.
    """

    run_pk: int
    run_id: str
    source: str
    path: Path
    content: Content
    sampling_fps: float | None
    analysis: AnalysisOptions
    recorded_at: datetime | None
    recorded_at_pattern: str | None
    recorded_at_zone: str | None
    base_time: datetime | None
    drops_damaged: bool
    is_copy: bool = False
    was_started: bool = False


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """The position from which a run is to be published.

    next_seq: number of the first missing message. cursor_seq: number of the message with
    `source_cursor`, from which the source is read.
    """

    next_seq: int
    cursor_seq: int
    source_cursor: str

    @classmethod
    def decode(cls, next_seq: int, stored_cursor: str) -> Self:
        """Return the point of a run's progress. stored_cursor: of `encode_cursor`, or empty."""
        if not stored_cursor:
            return cls(next_seq, 1, "")
        values = json.loads(stored_cursor)
        return cls(next_seq, values["seq"], values["source"])


def encode_cursor(seq: int, source_cursor: str) -> str:
    """Return the cursor of a message: its number, and the cursor of its frame."""
    return json.dumps({"seq": seq, "source": source_cursor}) if source_cursor else ""


class RunRecords:
    """Reads and updates the rows of runs. Its methods raise DatabaseError."""

    def __init__(self, engine: Engine, folders: SharedFolders) -> None:
        self._engine = engine
        self._folders = folders

    def find(self, run_id: str) -> RecordingRun:
        """Return the run. Raises SourceError if this host lacks the folder of its recording."""
        content = (Run.content_hash, Run.file_state)
        columns = (
            *(Run.id, Source.name, Run.uri, Run.sampling_fps, Run.options),
            *(Run.recorded_at, Run.copy_of, Run.started_at),
        )
        with reading(self._engine) as connection:
            row = connection.execute(
                select(*columns, *content)
                .join(Source, Source.id == Run.source_pk)
                .where(Run.run_id == run_id)
            ).one()
        options = decode_run_options(row.options)
        return RecordingRun(
            run_pk=row.id,
            run_id=run_id,
            source=row.name,
            path=self._folders.local(row.uri),
            content=Content(row.content_hash, row.file_state or ""),
            sampling_fps=row.sampling_fps,
            analysis=options.analysis,
            recorded_at=options.recorded_at,
            recorded_at_pattern=options.recorded_at_pattern,
            recorded_at_zone=options.recorded_at_zone,
            base_time=row.recorded_at,
            drops_damaged=options.drops_damaged,
            is_copy=row.copy_of is not None,
            was_started=row.started_at is not None,
        )

    def start(self, run: RecordingRun, info: SourceInfo) -> datetime:
        """Store that the run is running, with its source's description; return its base time.

        The base time and the length are determined at the first start of a run, and kept.
        """
        values: dict[str, object] = {
            "state": RunState.RUNNING,
            "display_width": info.display_width,
            "display_height": info.display_height,
            "started_at": utc_now(),
        }
        at = run.base_time
        if at is None:
            base = _base_time(run, info)
            at = base.at
            values |= {"recorded_at": at, "recorded_at_origin": base.origin}
        if not run.was_started:
            values |= {"duration_us": info.duration_us, "frames_claimed": info.frames_claimed}
        with transaction(self._engine) as connection:
            connection.execute(
                update(Run)
                .where(Run.id == run.run_pk, Run.state.not_in(ENDED_STATES))
                .values(values)
            )
        return at

    def disown_content(self, run: RecordingRun) -> None:
        """Store that the run did not read the content that it was queued for.

        No recording is answered from it any more, it cannot be resumed, and history leaves it out.
        """
        with transaction(self._engine) as connection:
            lock_queue(connection)
            stop_counting(connection, run.run_pk, secrets.randbits(_TOKEN_BITS))
            values = {
                "identity": f"changed {run.run_id}",
                "content_hash": "",
                "file_state": _CHANGED,
            }
            connection.execute(update(Run).where(Run.id == run.run_pk).values(values))

    def resume_point(self, run: RecordingRun) -> ResumePoint | None:
        """Return the position from which to publish the run; None if the run has ended."""
        with reading(self._engine) as connection:
            row = connection.execute(
                select(Run.state, RunProgress.next_seq, RunProgress.source_cursor)
                .join(RunProgress, RunProgress.run_pk == Run.id)
                .where(Run.id == run.run_pk)
            ).one()
        if row.state in ENDED_STATES:
            return None
        return ResumePoint.decode(row.next_seq, row.source_cursor)


def _base_time(run: RecordingRun, info: SourceInfo) -> BaseTime:
    """Return the run's base time, and log one that is in the future."""
    now = utc_now()
    duration = None if info.duration_us is None else timedelta(microseconds=info.duration_us)
    mtime = from_micros(run.path.stat().st_mtime_ns // 1000)
    base = base_time(
        recorded_at=run.recorded_at,
        pattern=run.recorded_at_pattern,
        zone=ZoneInfo(run.recorded_at_zone or "UTC"),
        file=FileTimes(run.path.name, info.creation_time, info.creation_is_end, mtime, duration),
        now=now,
    )
    if is_future(base.at, duration, now):
        log.warning("the recording is in the future", at=str(base.at), origin=base.origin)
    return base
