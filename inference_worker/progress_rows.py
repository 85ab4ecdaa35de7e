"""The progress of a run after a batch: the row that a commit must find with its own fence."""

from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, case, true, update
from sqlalchemy.sql.dml import ReturningUpdate

from contracts.frames import Counters
from contracts.times import utc_now
from inference_worker.batch import Batch
from inference_worker.minute_counters import WORKER_CAUSES
from records.json_columns import encode_drop_counts
from records.tables.runs import RunProgress

_ADDED: Final = frozenset({"frames_analyzed", "faces", "broker_lost"})
"""The columns of RunProgress that count: a batch adds to them."""


def advance_progress(
    connection: Connection, run_pk: int, fence: int, batch: Batch
) -> Row[int, bool] | None:
    """Advance a run's progress; return its attempts and `stepped`. None if the fence is stale."""
    values = _values(batch)
    return connection.execute(
        _statement(frozenset(values)),
        {"of_run": run_pk, "of_fence": fence} | {f"new_{k}": v for k, v in values.items()},
    ).first()


def counter_columns(counters: Counters) -> dict[str, Any]:
    """Return a run's cumulative counters by column, without the worker's own causes."""
    dropped = {c: count for c, count in counters.dropped.items() if c not in WORKER_CAUSES}
    return {
        "frames_captured": counters.captured,
        "frames_sampled_out": counters.sampled_out,
        "dropped": encode_drop_counts(dropped),
    }


def _values(batch: Batch) -> dict[str, Any]:
    """Return what `_statement` makes of RunProgress with the batch, by column."""
    values: dict[str, Any] = {
        "next_seq": batch.next_seq,
        "attempts": 0,
        "checkpoint": batch.checkpoint,
        "frames_analyzed": len(batch.results),
        "faces": sum(len(result.faces) for result in batch.results),
        "broker_lost": batch.broker_lost,
        "updated_at": utc_now(),
    }
    if batch.samples:
        values |= counter_columns(batch.samples[-1].counters)
    if batch.source_cursor:
        values["source_cursor"] = batch.source_cursor
    if batch.results:
        values["last_media_time_us"] = batch.results[-1].media_time_us
    return values


@cache  # To make it takes longer than to execute it.
def _statement(columns: frozenset[str]) -> ReturningUpdate[int, bool]:
    """Return the statement for a run `of_run` with a fence `of_fence`, which advances its progress.

    columns: those that get a value, or to which it is added, with the column's name and "new_".
    Returns attempts and `stepped`.
    """
    values: dict[str, Any] = {
        # Summary steps are kept from a run's first commit on, or not at all.
        "stepped": case((RunProgress.next_seq == 1, true()), else_=RunProgress.stepped)
    }
    for name in sorted(columns):
        new: Any = bindparam(f"new_{name}")
        values[name] = getattr(RunProgress, name) + new if name in _ADDED else new
    return (
        update(RunProgress)
        .where(
            RunProgress.run_pk == bindparam("of_run"), RunProgress.fence == bindparam("of_fence")
        )
        .values(values)
        .returning(RunProgress.attempts, RunProgress.stepped)
    )
