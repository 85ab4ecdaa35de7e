"""The overview: recordings with their latest run, and the runs that have not ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, select

from contracts.runs import ENDED_STATES, RunKind, RunState
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source
from runtime.process_identity import claim_is_alive

_MAX_LINES: Final = 1000


@dataclass(frozen=True, slots=True)
class RecordingSource:
    """One source of recordings. runs: their number. state, error: those of the latest run."""

    name: str
    kind: str
    runs: int
    state: RunState | None
    error: str
    last_queued_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that has not ended. worker, ingestor: the processes that hold it, or None.

    claimed: whether the ingestor's claim is valid: a process works on it.
    """

    run_id: str
    source: str
    state: RunState
    frames_analyzed: int
    frames_claimed: int | None
    worker: str | None
    ingestor: str | None
    queued_at: datetime
    started_at: datetime | None
    claimed: bool = False


def recording_sources(
    connection: Connection, *, limit: int = _MAX_LINES
) -> tuple[RecordingSource, ...]:
    """Return the sources that are not live, those with the latest runs first."""
    latest = (
        select(Run.source_pk, func.max(Run.id).label("run_pk"), func.count().label("runs"))
        .group_by(Run.source_pk)
        .subquery()
    )
    query = (
        select(Source.name, Source.kind, latest.c.runs, Run.state, Run.error, Run.queued_at)
        .join(latest, latest.c.source_pk == Source.id, isouter=True)
        .join(Run, Run.id == latest.c.run_pk, isouter=True)
        .where(Source.kind != RunKind.LIVE)
        .order_by(func.coalesce(latest.c.run_pk, 0).desc(), Source.name)
        .limit(limit)
    )
    return tuple(
        RecordingSource(
            row.name,
            row.kind,
            row.runs or 0,
            RunState(row.state) if row.state else None,
            row.error or "",
            row.queued_at,
        )
        for row in connection.execute(query)
    )


def open_runs(connection: Connection, *, limit: int = _MAX_LINES) -> tuple[OpenRun, ...]:
    """Return the runs that have not ended, oldest first."""
    query = (
        select(
            Run.run_id,
            Source.name,
            Run.state,
            RunProgress.frames_analyzed,
            Run.frames_claimed,
            RunProgress.holder,
            Run.claimed_by,
            Run.claim_expires_at,
            Run.queued_at,
            Run.started_at,
        )
        .join(Source, Source.id == Run.source_pk)
        .join(RunProgress, RunProgress.run_pk == Run.id)
        .where(Run.state.not_in(ENDED_STATES))
        .order_by(Run.id)
        .limit(limit)
    )
    return tuple(
        OpenRun(
            run_id=row.run_id,
            source=row.name,
            state=RunState(row.state),
            frames_analyzed=row.frames_analyzed,
            frames_claimed=row.frames_claimed,
            worker=row.holder,
            ingestor=row.claimed_by,
            queued_at=row.queued_at,
            started_at=row.started_at,
            claimed=claim_is_alive(row.claimed_by, row.claim_expires_at),
        )
        for row in connection.execute(query)
    )
