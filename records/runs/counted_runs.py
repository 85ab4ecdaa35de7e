"""The run of a recording that history counts.

A source's recording may be analysed more than once. History counts the latest finished run only,
so that a better model's rows replace the older ones and no face is counted twice. A recording that
was analysed while it grew, and again when it was whole, is one recording: its runs have one path,
and their times overlap. Copies of a recording in other places count where and when they are: within
one source, the same content counts once at one time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, select, update

from contracts.runs import RunKind, RunState
from records.locks import lock_rollups
from records.rollups.sums import mark_dirty
from records.runs.places import same_place
from records.tables.rollups import RunMinute, rollups
from records.tables.runs import Run, RunProgress

_Found = Row[*tuple[Any, ...]]


def has_counted_run(connection: Connection, source_pk: int, content_hash: str, uri: str) -> bool:
    """Return whether the source's history counts a finished run of the recording at that place."""
    query = select(Run.uri).where(
        Run.source_pk == source_pk,
        Run.content_hash == content_hash,
        Run.counted,
        Run.state == RunState.DONE,
    )
    return any(same_place(one, uri) for one in connection.scalars(query))


def count_only_run(connection: Connection, run_pk: int, token: int) -> None:
    """Count this run of its recording and no other.

    Takes `lock_rollups`. A caller that has marked windows dirty in this transaction must hold it
    already, or two transactions could deadlock.
    """
    lock_rollups(connection)
    run = _run(connection, run_pk)
    same_content = connection.execute(
        _runs_with_reach().where(
            Run.source_pk == run.source_pk,
            Run.content_hash == run.content_hash,
            Run.id != run_pk,
            Run.counted,
        )
    )
    others = [other.id for other in same_content if _is_counted_once(run, other)]
    others += [other.id for other in _counted_stages(connection, run)]
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


def count_latest_runs(
    connection: Connection, source_pk: int, content_hash: str, token: int
) -> None:
    """Count the latest finished runs that are left, after a counted one was deleted or moved.

    These are those beside which no other run of this content counts at the same place or time.
    """
    runs = connection.execute(
        _runs_with_reach()
        .where(
            Run.source_pk == source_pk,
            Run.content_hash == content_hash,
            Run.state == RunState.DONE,
        )
        .order_by(Run.id.desc())
    ).all()
    counted = [run for run in runs if run.counted]
    for run in runs:
        if not run.counted and not any(_is_counted_once(run, other) for other in counted):
            counted.append(run)
            count_only_run(connection, run.id, token)


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
    return [one for one in others if _overlap(run, one)]


def _is_counted_once(one: _Found, other: _Found) -> bool:
    """Return whether two runs of one content are of one place, or show the same moments."""
    if same_place(one.uri, other.uri):
        return True
    if one.recorded_at is None or other.recorded_at is None:
        return False
    return one.recorded_at == other.recorded_at or _overlap(one, other)


def _overlap(one: _Found, other: _Found) -> bool:
    return bool(one.recorded_at < _end(other) and other.recorded_at < _end(one))


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
