"""Deleting a run: in chunks, so that locks are short and the write-ahead log stays small."""

from typing import Final

from sqlalchemy import Connection, Engine, delete, select, update

from analytics.queries import run_not_found
from contracts.database import transaction
from contracts.errors import RunBusyError
from contracts.jobs import claim_is_alive, lock_queue
from contracts.records import (
    ENDED_STATES,
    DeadLetter,
    Face,
    Frame,
    Run,
    RunProgress,
    RunState,
    Track,
)

CHUNK_ROWS: Final = 5000
_CHUNK_PAGES: Final = 1000


def delete_run(engine: Engine, run_id: str, *, chunk_rows: int = CHUNK_ROWS) -> None:
    """Delete a run and all its rows; its source stays known. A killed deletion can be repeated.

    Raises RunNotFoundError, and RunBusyError while a living process works on the run.
    """
    with transaction(engine) as connection:
        run_pk = _withdraw(connection, run_id)
    for table in (Face, Frame):
        while True:
            with transaction(engine) as connection:
                if not _delete_chunk(connection, table, run_pk, chunk_rows):
                    break
    with transaction(engine) as connection:
        for child in (Track, DeadLetter, RunProgress):
            connection.execute(delete(child).where(child.run_pk == run_pk))
        connection.execute(delete(Run).where(Run.id == run_pk))
    if engine.dialect.name == "sqlite":
        _give_space_back(engine)


def _withdraw(connection: Connection, run_id: str) -> int:
    """Make sure that nobody works on the run, or takes it up while its rows go. Returns its key."""
    lock_queue(connection)
    run = connection.execute(
        select(Run.id, Run.state, Run.claimed_by, Run.claim_expires_at).where(Run.run_id == run_id)
    ).first()
    if run is None:
        raise run_not_found(run_id)
    if run.state not in ENDED_STATES and claim_is_alive(run.claimed_by, run.claim_expires_at):
        raise RunBusyError(f"run {run_id} is being worked on", hint="Stop that command first")
    # Nothing has this identity, so the same recording becomes a new run; and no worker holds
    # this fence, so a late commit of one that was taken for dead does not go through.
    connection.execute(
        update(Run)
        .where(Run.id == run.id)
        .values(
            identity=f"deleted:{run_id}",
            state=RunState.CANCELLED,
            error="its deletion was cut short; delete it again",
            claimed_by=None,
            claim_expires_at=None,
        )
    )
    connection.execute(
        update(RunProgress).where(RunProgress.run_pk == run.id).values(fence=RunProgress.fence + 1)
    )
    return int(run.id)


def _delete_chunk(
    connection: Connection, table: type[Face] | type[Frame], run_pk: int, rows: int
) -> bool:
    """Delete about `rows` rows from the front. Returns whether more are left."""
    frame_after = connection.execute(
        select(table.frame_index)
        .where(table.run_pk == run_pk)
        .order_by(table.frame_index)
        .offset(rows)
        .limit(1)
    ).scalar()
    doomed = delete(table).where(table.run_pk == run_pk)
    if frame_after is not None:
        # All faces of a frame go together, hence at least one whole frame at a time.
        doomed = doomed.where(table.frame_index <= frame_after)
    connection.execute(doomed)
    return frame_after is not None


def _give_space_back(engine: Engine) -> None:
    """Return SQLite's free pages to the file system, some at a time."""
    left = None
    while True:
        with transaction(engine) as connection:
            free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
            if free == 0 or (left is not None and free >= left):
                return
            left = free
            # It frees a page a step and returns no columns: only a bare cursor steps to the end.
            cursor = connection.connection.cursor()
            cursor.execute(f"PRAGMA incremental_vacuum({_CHUNK_PAGES})")
            cursor.fetchall()
            cursor.close()
