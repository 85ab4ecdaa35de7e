"""The list of runs: one line a run, without the sums of its rows."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, select

from analytics.runs.frame_counts import POISON
from analytics.runs.number_text import recorded_text
from contracts.errors import RunNotFoundError
from contracts.redaction import redact
from contracts.runs import ENDED_STATES, RunKind, RunState
from contracts.times import MICROS
from records.sources.former_names import current_name
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source

_CLOCKS_DIFFER: Final = timedelta(minutes=1)
MAX_OPEN_RUNS: Final = 10_000
_RUNS_PER_QUERY: Final = 500
"""Run ids in one IN list: databases limit the number of parameters."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run in a list. path: the source's URI without credentials.

    faces: those that count; the export has a row for each of the others too. recorded_at_origin,
    recorded_text: how recorded_at is known, and the same in words. recorded_in_future: whether the
    recording would have ended after its analysis started. copy_of, copy_of_source: the run whose
    rows it got, because its recording has the same content, and that run's source; None if it was
    analysed itself.
    """

    run_id: str
    source: str
    path: str
    kind: str
    state: RunState
    error: str
    frames_total: int | None
    frames_analyzed: int
    faces: int
    duration_s: float | None
    recorded_at: datetime | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    recorded_at_origin: str | None
    recorded_text: str
    recorded_in_future: bool
    copy_of: str | None
    copy_of_source: str | None


def list_runs(
    connection: Connection,
    *,
    limit: int | None = None,
    source: str | None = None,
    state: RunState | None = None,
    kind: str | None = None,
) -> tuple[RunLine, ...]:
    """Return the runs, newest first. source: exact name. kind: "file" or "live"."""
    query = runs_query().order_by(Run.id.desc()).limit(limit)
    if source is not None:
        query = query.where(Source.name == current_name(connection, source))
    if state is not None:
        query = query.where(Run.state == state)
    if kind is not None:
        query = query.where(Run.kind == kind)
    return tuple(run_line(row) for row in connection.execute(query))


@dataclass(frozen=True, slots=True)
class RunFilter:
    """The runs that are wanted. None: all. source: exact name. within: keys of the only sources."""

    source: str | None = None
    state: RunState | None = None
    kind: RunKind | None = None
    within: Collection[int] | None = None


def runs_page(
    connection: Connection, wanted: RunFilter, *, before: int | None, limit: int
) -> tuple[tuple[RunLine, ...], int | None]:
    """Return runs, newest first, and the key before which the next page begins, None at the end.

    before: the key before which this page begins; None for the newest run.
    """
    query = runs_query().order_by(Run.id.desc()).limit(limit + 1)
    if wanted.source is not None:
        query = query.where(Source.name == current_name(connection, wanted.source))
    if wanted.state is not None:
        query = query.where(Run.state == wanted.state)
    if wanted.kind is not None:
        query = query.where(Run.kind == wanted.kind)
    if wanted.within is not None:
        query = query.where(Run.source_pk.in_(wanted.within))
    if before is not None:
        query = query.where(Run.id < before)
    rows = connection.execute(query).all()
    following = rows[limit - 1].id if len(rows) > limit else None
    return tuple(run_line(row) for row in rows[:limit]), following


def run_key(connection: Connection, run_id: str, *, within: Collection[int] | None = None) -> int:
    """Return the run's key. Raises RunNotFoundError if it does not exist for the asker.

    within: the keys of the only sources that do; None for all.
    """
    query = select(Run.id, Run.source_pk).where(Run.run_id == run_id)
    row = connection.execute(query).first()
    if row is None or (within is not None and row.source_pk not in within):
        raise run_not_found(run_id)
    return int(row.id)


def list_open_runs(connection: Connection, *, limit: int = MAX_OPEN_RUNS) -> tuple[RunLine, ...]:
    """Return the runs that have not ended, oldest first."""
    query = runs_query().where(Run.state.not_in(ENDED_STATES)).order_by(Run.id).limit(limit)
    return tuple(run_line(row) for row in connection.execute(query))


def open_run_states(
    connection: Connection, *, within: Collection[int] | None = None
) -> tuple[RunState, ...]:
    """Return the states of the runs that have not ended. within: as in `run_key`."""
    query = select(Run.state).where(Run.state.not_in(ENDED_STATES)).limit(MAX_OPEN_RUNS)
    if within is not None:
        query = query.where(Run.source_pk.in_(within))
    return tuple(RunState(one) for one in connection.scalars(query))


def find_runs(connection: Connection, run_ids: Sequence[str]) -> tuple[RunLine, ...]:
    """Return these runs in the given order. Raises RunNotFoundError."""
    found: dict[str, RunLine] = {}
    for batch in run_id_batches(run_ids):
        for row in connection.execute(runs_query().where(Run.run_id.in_(batch))):
            found[row.run_id] = run_line(row)
    missing = next((run_id for run_id in run_ids if run_id not in found), None)
    if missing is not None:
        raise run_not_found(missing)
    return tuple(found[run_id] for run_id in run_ids)


def run_not_found(run_id: str) -> RunNotFoundError:
    """Return the error for a run id that is not in the records."""
    return RunNotFoundError(f"no run {run_id}", hint="List the runs with `moodline runs list`")


def progress_of(connection: Connection, run_id: str) -> Row[*tuple[Any, ...]]:
    """Return the run's key `id`, `duration_us`, and its progress so far: None where none is stored.

    The progress is frames_analyzed, faces, last_media_time_us, stepped. Raises RunNotFoundError.
    """
    row = connection.execute(
        select(
            Run.id,
            Run.duration_us,
            RunProgress.frames_analyzed,
            RunProgress.faces,
            RunProgress.last_media_time_us,
            RunProgress.stepped,
        )
        .outerjoin(RunProgress, RunProgress.run_pk == Run.id)
        .where(Run.run_id == run_id)
    ).first()
    if row is None:
        raise run_not_found(run_id)
    return row


def runs_query() -> Select[Any]:
    """Select every run with its source's name and its progress."""
    progress = [
        func.coalesce(column, 0).label(column.key)
        for column in (
            RunProgress.frames_captured,
            RunProgress.frames_sampled_out,
            RunProgress.frames_analyzed,
            RunProgress.faces,
            RunProgress.left_out,
            RunProgress.broker_lost,
            RunProgress.erased,
        )
    ]
    original, original_source = Run.__table__.alias("original"), Source.__table__.alias("first")
    return (
        select(
            *(column for column in Run.__table__.c if column.name != "copy_of"),
            Source.name.label("source"),
            original.c.run_id.label("copy_of"),
            original_source.c.name.label("copy_of_source"),
            RunProgress.dropped,
            RunProgress.stepped,
            *progress,
            POISON,
        )
        .join(Source, Source.id == Run.source_pk)
        .outerjoin(RunProgress, RunProgress.run_pk == Run.id)
        .outerjoin(original, original.c.id == Run.copy_of)
        .outerjoin(original_source, original_source.c.id == original.c.source_pk)
    )


def run_id_batches(run_ids: Iterable[str]) -> Iterator[list[str]]:
    """Yield the distinct run ids in lists that are short enough for one query."""
    remaining = iter(dict.fromkeys(run_ids))
    while batch := list(islice(remaining, _RUNS_PER_QUERY)):
        yield batch


def run_line(row: Row[Any]) -> RunLine:
    """Return the line of a row of `runs_query`."""
    in_future = row.kind == RunKind.FILE and _is_future(row)
    return RunLine(
        run_id=row.run_id,
        source=row.source,
        path=redact(row.uri),
        kind=row.kind,
        state=RunState(row.state),
        error=redact(row.error),
        frames_total=row.frames_total,
        frames_analyzed=row.frames_analyzed,
        faces=row.faces - row.left_out,
        duration_s=None if row.duration_us is None else row.duration_us / MICROS,
        recorded_at=row.recorded_at,
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        recorded_at_origin=row.recorded_at_origin,
        recorded_text=recorded_text(row.recorded_at, row.recorded_at_origin, in_future=in_future),
        recorded_in_future=in_future,
        copy_of=row.copy_of,
        copy_of_source=row.copy_of_source,
    )


def _is_future(row: Row[Any]) -> bool:
    if row.recorded_at is None or row.started_at is None:
        return False
    end = row.recorded_at + timedelta(microseconds=row.duration_us or 0)
    return bool(end > row.started_at + _CLOCKS_DIFFER)
