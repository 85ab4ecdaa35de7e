"""Copied rows: a copy gets the rows of its original, at its own time."""

import random
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Row,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy import type_coerce as coerce

from contracts.runs import RunState
from contracts.times import to_micros, utc_now
from records.database import transaction
from records.locks import lock_rollups
from records.rollups.sums import mark_dirty
from records.runs.copies.originals import OPEN_STATES, analyse_itself, has_all_rows
from records.runs.counted_runs import count_only_run
from records.runs.shifted_minutes import write_shifted_minutes
from records.tables.core_tables import UtcMicros
from records.tables.faces import Face, Frame, Track
from records.tables.runs import DeadLetter, Run, RunProgress
from records.tables.sources import Source
from records.tables.summary_steps import SummaryStep

CHUNK_FRAMES: Final = 5000
_COPIED_PROGRESS: Final = (
    "next_seq",
    "frames_captured",
    "frames_sampled_out",
    "frames_analyzed",
    "faces",
    "left_out",
    "dropped",
    "broker_lost",
    "stepped",
    "last_media_time_us",
)


def copy_original(
    engine: Engine,
    run_pk: int,
    on_step: Callable[[], bool],
    *,
    chunk_frames: int = CHUNK_FRAMES,
) -> bool:
    """Give a copy whose time is known the rows of its original, and end it.

    Returns False if it has to be analysed itself, since the original did not end well or lost rows.
    In parts, so that transactions are short; a killed one can be repeated. on_step: called after
    each part; if it returns False, the copy is left as it is.
    """
    while True:
        with transaction(engine) as connection:
            run = _lock_copy(connection, run_pk)
            if run is None:  # It was cancelled, or is no copy any more.
                return _is_ended(connection, run_pk)
            if _failed_as_original(connection, run):
                return True
            if run.state != RunState.DONE or not has_all_rows(connection, run.copy_of):
                analyse_itself(connection, run_pk)
                return False
            delta_us = to_micros(run.recorded_at) - to_micros(run.begin)
            if not _copy_chunk(connection, run, delta_us, chunk_frames):
                _finish_copy(connection, run, delta_us)
                return True
        if not on_step():
            return True


def fail_as_original(engine: Engine, run_pk: int) -> bool:
    """End a copy whose original failed, with the same reason; return whether it did."""
    with transaction(engine) as connection:
        run = _lock_copy(connection, run_pk)
        return run is not None and _failed_as_original(connection, run)


def _failed_as_original(connection: Connection, run: Row[*tuple[Any, ...]]) -> bool:
    # An original that was changed while it was read has no content any more.
    if run.state != RunState.FAILED or run.original_content != run.content_hash:
        return False
    connection.execute(
        update(Run)
        .where(Run.id == run.id)
        .values(
            state=RunState.FAILED,
            error=f"same content as {run.source}: {run.error}",
            finished_at=utc_now(),
            claimed_by=None,
            claim_expires_at=None,
        )
    )
    return True


def _lock_copy(connection: Connection, run_pk: int) -> Row[*tuple[Any, ...]] | None:
    """Lock an open copy. Return it with its original's state, or None if it is no such run.

    The columns are id, copy_of, content_hash, recorded_at, and of the original source, state,
    error, original_content and begin. Those are None if the original was deleted.
    """
    connection.execute(
        select(RunProgress.run_pk).where(RunProgress.run_pk == run_pk).with_for_update()
    )
    original, source = Run.__table__.alias("original"), Source.__table__
    return connection.execute(
        select(
            Run.id,
            Run.copy_of,
            Run.content_hash,
            Run.recorded_at,
            original.c.state.label("state"),
            original.c.error.label("error"),
            source.c.name.label("source"),
            original.c.content_hash.label("original_content"),
            original.c.recorded_at.label("begin"),
        )
        .outerjoin(original, original.c.id == Run.copy_of)
        .outerjoin(source, source.c.id == original.c.source_pk)
        .where(Run.id == run_pk, Run.copy_of.is_not(None), Run.state.in_(OPEN_STATES))
    ).first()


def _copy_chunk(
    connection: Connection, run: Row[*tuple[Any, ...]], delta_us: int, frames: int
) -> bool:
    """Copy the next frames of the original, `delta_us` later, with their faces.

    Returns False if none is left. The caller holds the copy's lock.
    """
    copied = select(func.max(Frame.frame_index)).where(Frame.run_pk == run.id)
    last = connection.execute(copied).scalar()
    next_frames = select(Frame.frame_index).where(Frame.run_pk == run.copy_of)
    if last is not None:
        next_frames = next_frames.where(Frame.frame_index > last)
    chosen = next_frames.order_by(Frame.frame_index).limit(frames).subquery()
    begin, end = connection.execute(
        select(func.min(chosen.c.frame_index), func.max(chosen.c.frame_index))
    ).one()
    if begin is None:
        return False
    for table in (Frame, Face):
        _copy_rows(connection, table, run, delta_us, (begin, end))
    return True


def _finish_copy(connection: Connection, run: Row[*tuple[Any, ...]], delta_us: int) -> None:
    """End a copy whose frames and faces are there, and count it in history."""
    run_pk, original_pk = run.id, run.copy_of
    lock_rollups(connection)
    for table in (Track, SummaryStep, DeadLetter):
        _copy_rows(connection, table, run, 0)
    minutes = write_shifted_minutes(connection, original_pk, run_pk, delta_us)
    progress = connection.execute(
        select(*(RunProgress.__table__.c[name] for name in _COPIED_PROGRESS)).where(
            RunProgress.run_pk == original_pk
        )
    ).one()
    connection.execute(
        update(RunProgress)
        .where(RunProgress.run_pk == run_pk)
        .values(holder=None, updated_at=utc_now(), **progress._mapping)
    )
    total = connection.execute(select(Run.frames_total).where(Run.id == original_pk)).scalar()
    connection.execute(
        update(Run)
        .where(Run.id == run_pk)
        .values(
            state=RunState.DONE,
            frames_total=total,
            finished_at=utc_now(),
            claimed_by=None,
            claim_expires_at=None,
        )
    )
    token = random.getrandbits(62)
    source_pk = connection.execute(select(Run.source_pk).where(Run.id == run_pk)).scalar_one()
    mark_dirty(connection, source_pk, minutes, token)
    count_only_run(connection, run_pk, token)


def _is_ended(connection: Connection, run_pk: int) -> bool:
    state = connection.execute(select(Run.state).where(Run.id == run_pk)).scalar()
    return state not in OPEN_STATES


def _copy_rows(
    connection: Connection,
    table: type[Any],
    run: Row[*tuple[Any, ...]],
    delta_us: int,
    indexes: tuple[int, int] | None = None,
) -> None:
    """Copy the original's rows of a table. indexes: the first and the last frame_index."""
    columns = table.__table__.c
    values: list[Any] = []
    for column in columns:
        if column.name == "run_pk":
            values.append(literal(run.id).label("run_pk"))
        elif column.name == "captured_at":
            shifted = coerce(column, BigInteger) + delta_us
            values.append(coerce(shifted, UtcMicros()).label("captured_at"))
        else:
            values.append(column)
    query = select(*values).where(columns.run_pk == run.copy_of)
    if indexes is not None:
        query = query.where(columns.frame_index.between(*indexes))
    connection.execute(insert(table).from_select([one.name for one in columns], query))
