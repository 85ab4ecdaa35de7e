"""The run of a recording that history counts.

A source's recording may be analysed more than once. History counts the latest finished run only,
so that a better model's rows replace the older ones and no face is counted twice. A recording that
was analysed while it grew, and again when it was whole, is one recording: its runs have one path,
and their times overlap.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, select, update

from contracts.runs import RunKind, RunState
from records.locks import lock_rollups
from records.rollup_sums import mark_dirty
from records.tables.rollups import RunMinute, rollups
from records.tables.runs import Run, RunProgress

_Found = Row[*tuple[Any, ...]]


def has_counted_run(connection: Connection, source_pk: int, content_hash: str) -> bool:
    """Return whether the source's history counts a finished run of that recording."""
    query = select(Run.id).where(
        Run.source_pk == source_pk,
        Run.content_hash == content_hash,
        Run.counted,
        Run.state == RunState.DONE,
    )
    return connection.execute(query.limit(1)).first() is not None


def count_only_run(connection: Connection, run_pk: int, token: int) -> None:
    """Count this run of its recording and no other.

    Takes `lock_rollups`. A caller that has marked windows dirty in this transaction must hold it
    already, or two transactions could deadlock.
    """
    lock_rollups(connection)
    run = _run(connection, run_pk)
    same_content = connection.execute(
        select(Run.id).where(
            Run.source_pk == run.source_pk,
            Run.content_hash == run.content_hash,
            Run.id != run_pk,
            Run.counted,
        )
    )
    others = [*same_content.scalars(), *(other.id for other in _counted_stages(connection, run))]
    if run.counted and not others:
        return
    connection.execute(update(Run).where(Run.id.in_(others)).values(counted=False))
    connection.execute(update(Run).where(Run.id == run_pk).values(counted=True))
    # Also the sums that stand for rows of theirs which retention has removed.
    connection.execute(
        delete(rollups).where(rollups.c.source_pk == run.source_pk, rollups.c.part.in_(others))
    )
    mark_runs_dirty(connection, [run_pk, *others], run.source_pk, token)


def count_longest_stage(connection: Connection, run_pk: int, token: int) -> None:
    """Count this failed run unless another stage of its growing recording reaches further.

    Takes `lock_rollups`, as `count_only_run` does.
    """
    lock_rollups(connection)
    run = _run(connection, run_pk)
    others = _counted_stages(connection, run)
    if not (run.counted and others):
        return
    if run.last_media_time_us > max(other.last_media_time_us for other in others):
        count_only_run(connection, run_pk, token)
    else:
        stop_counting(connection, run_pk, token)


def stop_counting(connection: Connection, run_pk: int, token: int) -> None:
    """Leave the run out of history. Takes `lock_rollups`, as `count_only_run` does."""
    lock_rollups(connection)
    connection.execute(update(Run).where(Run.id == run_pk).values(counted=False))
    mark_runs_dirty(connection, [run_pk], _run(connection, run_pk).source_pk, token)


def count_latest_run(connection: Connection, source_pk: int, content_hash: str, token: int) -> None:
    """Count the latest finished run that is left, after the counted one was deleted."""
    if has_counted_run(connection, source_pk, content_hash):
        return
    latest = connection.execute(
        select(Run.id)
        .where(
            Run.source_pk == source_pk,
            Run.content_hash == content_hash,
            Run.state == RunState.DONE,
        )
        .order_by(Run.id.desc())
        .limit(1)
    ).scalar()
    if latest is not None:
        count_only_run(connection, latest, token)


def mark_runs_dirty(
    connection: Connection, run_pks: Sequence[int], source_pk: int, token: int
) -> None:
    """Mark every minute of these runs for recomputation."""
    minutes = connection.execute(
        select(RunMinute.start).where(RunMinute.run_pk.in_(run_pks)).distinct()
    )
    mark_dirty(connection, source_pk, minutes.scalars(), token)


def _run(connection: Connection, run_pk: int) -> _Found:
    return connection.execute(_runs_with_reach().where(Run.id == run_pk)).one()


def _counted_stages(connection: Connection, run: _Found) -> list[_Found]:
    """Return the counted runs of other content from the same path, at overlapping times."""
    if run.recorded_at is None:
        return []
    others = connection.execute(
        _runs_with_reach().where(
            Run.source_pk == run.source_pk,
            Run.uri == run.uri,
            Run.content_hash != run.content_hash,
            Run.kind == RunKind.FILE,
            Run.counted,
            Run.recorded_at.is_not(None),
        )
    )
    return [one for one in others if one.recorded_at < _end(run) and run.recorded_at < _end(one)]


def _runs_with_reach() -> Select[*tuple[Any, ...]]:
    return select(
        Run.id,
        Run.source_pk,
        Run.uri,
        Run.content_hash,
        Run.counted,
        Run.recorded_at,
        RunProgress.last_media_time_us,
    ).join(RunProgress, RunProgress.run_pk == Run.id)


def _end(run: _Found) -> datetime:
    end: datetime = run.recorded_at + timedelta(microseconds=run.last_media_time_us)
    return end
