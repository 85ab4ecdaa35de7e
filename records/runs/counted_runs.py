"""The run of a recording that history counts.

A source's recording may be analysed more than once. History counts the latest finished run only,
so that a better model's rows replace the older ones and no face is counted twice.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, update

from contracts.runs import RunState
from records.locks import lock_rollups
from records.rollup_sums import mark_dirty
from records.tables.rollups import RunMinute, rollups
from records.tables.runs import Run


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
    run = connection.execute(
        select(Run.source_pk, Run.content_hash, Run.counted).where(Run.id == run_pk)
    ).one()
    others = (
        connection.execute(
            select(Run.id).where(
                Run.source_pk == run.source_pk,
                Run.content_hash == run.content_hash,
                Run.id != run_pk,
                Run.counted,
            )
        )
        .scalars()
        .all()
    )
    if run.counted and not others:
        return
    connection.execute(update(Run).where(Run.id.in_(others)).values(counted=False))
    connection.execute(update(Run).where(Run.id == run_pk).values(counted=True))
    # Also the sums that stand for rows of theirs which retention has removed.
    connection.execute(
        delete(rollups).where(rollups.c.source_pk == run.source_pk, rollups.c.part.in_(others))
    )
    mark_runs_dirty(connection, [run_pk, *others], run.source_pk, token)


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
