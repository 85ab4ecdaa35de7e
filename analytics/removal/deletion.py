"""Deleting a run, in chunks, so that locks are short and the write-ahead log stays small."""

import random
from typing import Final

from sqlalchemy import Connection, Engine, delete, select, update

from analytics.removal.freed_space import return_free_space
from analytics.runs.run_list import run_not_found
from contracts.errors import RunBusyError
from contracts.runs import ENDED_STATES, RunState
from records.database import transaction
from records.locks import lock_queue, lock_rollups
from records.runs.copies.originals import promote_copy
from records.runs.counted_runs import count_latest_runs, mark_runs_dirty
from records.tables.faces import Face, Frame, Track
from records.tables.rollups import RunMinute, rollups
from records.tables.runs import DeadLetter, Run, RunProgress
from records.tables.summary_steps import SummaryStep
from runtime.process_identity import claim_is_alive

CHUNK_ROWS: Final = 5000


def delete_run(engine: Engine, run_id: str, *, chunk_rows: int = CHUNK_ROWS) -> None:
    """Delete a run and all its rows; its source stays. A killed deletion can be repeated.

    Raises RunNotFoundError, and RunBusyError if a live process is working on the run.
    """
    with transaction(engine) as connection:
        run_pk = _withdraw(connection, run_id)
    for table in (Face, Frame):
        while True:
            with transaction(engine) as connection:
                if not _delete_chunk(connection, table, run_pk, chunk_rows):
                    break
    with transaction(engine) as connection:
        lock_rollups(connection)
        run = connection.execute(
            select(Run.source_pk, Run.content_hash).where(Run.id == run_pk)
        ).one()
        token = random.getrandbits(62)
        mark_runs_dirty(connection, [run_pk], run.source_pk, token)
        connection.execute(
            delete(rollups).where(rollups.c.source_pk == run.source_pk, rollups.c.part == run_pk)
        )
        for child in (Track, DeadLetter, RunMinute, RunProgress):
            connection.execute(delete(child).where(child.run_pk == run_pk))
        promote_copy(connection, run_pk)
        connection.execute(delete(Run).where(Run.id == run_pk))
        if run.content_hash:
            # From now on, history counts an older analysis of the same recording.
            count_latest_runs(connection, run.source_pk, run.content_hash, token)
    return_free_space(engine)


def _withdraw(connection: Connection, run_id: str) -> int:
    """Prevent any process from working on the run, and return its key."""
    lock_queue(connection)
    run = connection.execute(
        select(Run.id, Run.state, Run.claimed_by, Run.claim_expires_at).where(Run.run_id == run_id)
    ).first()
    if run is None:
        raise run_not_found(run_id)
    if run.state not in ENDED_STATES and claim_is_alive(run.claimed_by, run.claim_expires_at):
        raise RunBusyError(
            f"run {run_id} is being analysed", hint="Stop or cancel the analysis first"
        )
    # The new identity makes the same recording a new run. The new fence rejects a late commit of
    # a worker that was taken for dead.
    connection.execute(
        update(Run)
        .where(Run.id == run.id)
        .values(
            identity=f"deleted:{run_id}",
            state=RunState.CANCELLED,
            error="the deletion was interrupted; delete the run again",
            claimed_by=None,
            claim_expires_at=None,
        )
    )
    connection.execute(
        update(RunProgress)
        .where(RunProgress.run_pk == run.id)
        .values(fence=RunProgress.fence + 1, stepped=False)
    )
    # Rows are deleted in chunks, so the summary steps are wrong from here on.
    connection.execute(delete(SummaryStep).where(SummaryStep.run_pk == run.id))
    return int(run.id)


def _delete_chunk(
    connection: Connection, table: type[Face] | type[Frame], run_pk: int, rows: int
) -> bool:
    """Delete about `rows` rows, lowest frames first; return whether any are left."""
    frame_after = connection.execute(
        select(table.frame_index)
        .where(table.run_pk == run_pk)
        .order_by(table.frame_index)
        .offset(rows)
        .limit(1)
    ).scalar()
    statement = delete(table).where(table.run_pk == run_pk)
    if frame_after is not None:
        # At least one whole frame: all faces of a frame are deleted together.
        statement = statement.where(table.frame_index <= frame_after)
    connection.execute(statement)
    return frame_after is not None
