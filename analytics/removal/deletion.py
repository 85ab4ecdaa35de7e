"""Deleting a run: in chunks, so that locks are short and the write-ahead log stays small."""

import random
from typing import Final

from sqlalchemy import Connection, Engine, delete, select, update

from analytics.removal.freed_space import give_space_back
from analytics.runs.run_list import run_not_found
from contracts.errors import RunBusyError
from contracts.runs import ENDED_STATES, RunState
from records.database import transaction
from records.locks import lock_queue, lock_rollups
from records.runs.counted_runs import count_latest, mark_run_dirty
from records.tables.faces import Face, Frame, Track
from records.tables.rollups import RunMinute, rollups
from records.tables.run_steps import RunStep
from records.tables.runs import DeadLetter, Run, RunProgress
from runtime.process_identity import claim_is_alive

CHUNK_ROWS: Final = 5000


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
        lock_rollups(connection)
        run = connection.execute(
            select(Run.source_pk, Run.content_hash).where(Run.id == run_pk)
        ).one()
        token = random.getrandbits(62)
        mark_run_dirty(connection, [run_pk], run.source_pk, token)
        connection.execute(
            delete(rollups).where(rollups.c.source_pk == run.source_pk, rollups.c.part == run_pk)
        )
        for child in (Track, DeadLetter, RunMinute, RunProgress):
            connection.execute(delete(child).where(child.run_pk == run_pk))
        connection.execute(delete(Run).where(Run.id == run_pk))
        if run.content_hash:
            # An older analysis of the same recording is what history has of it now.
            count_latest(connection, run.source_pk, run.content_hash, token)
    give_space_back(engine)


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
        update(RunProgress)
        .where(RunProgress.run_pk == run.id)
        .values(fence=RunProgress.fence + 1, stepped=False)
    )
    # Its rows go in chunks: what is left of them meanwhile is no longer what the steps say.
    connection.execute(delete(RunStep).where(RunStep.run_pk == run.id))
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
