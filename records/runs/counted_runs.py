"""Which run history counts, where a recording was analysed more than once under one source.

It is the latest that was finished: a better model's rows take the place of the older ones, and
nobody is counted twice.
"""

from sqlalchemy import Connection, delete, select, update

from contracts.runs import RunState
from records.locks import lock_rollups
from records.rollup_sums import mark_dirty
from records.tables.rollups import RunMinute, rollups
from records.tables.runs import Run


def has_counted(connection: Connection, source_pk: int, content_hash: str) -> bool:
    """Whether a finished run of that recording stands in the source's history already."""
    query = select(Run.id).where(
        Run.source_pk == source_pk,
        Run.content_hash == content_hash,
        Run.counted,
        Run.state == RunState.DONE,
    )
    return connection.execute(query.limit(1)).first() is not None


def count_instead(connection: Connection, run_pk: int, token: int) -> None:
    """Count this run of its recording, and no other any more.

    Takes `lock_rollups`: who marked windows dirty in this transaction has it already, or two could
    wait for each other.
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
    # What retention had added up of them goes, too.
    connection.execute(
        delete(rollups).where(rollups.c.source_pk == run.source_pk, rollups.c.part.in_(others))
    )
    mark_run_dirty(connection, [run_pk, *others], run.source_pk, token)


def count_latest(connection: Connection, source_pk: int, content_hash: str, token: int) -> None:
    """After the run that was counted is gone: count the latest finished one that is left."""
    if has_counted(connection, source_pk, content_hash):
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
        count_instead(connection, latest, token)


def mark_run_dirty(connection: Connection, run_pks: list[int], source_pk: int, token: int) -> None:
    """Have every minute of these runs rolled up again."""
    minutes = connection.execute(
        select(RunMinute.start).where(RunMinute.run_pk.in_(run_pks)).distinct()
    )
    mark_dirty(connection, source_pk, minutes.scalars(), token)
