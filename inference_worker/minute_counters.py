"""A run's frame counters by minute of capture: captured, sampled out, and dropped by cause."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, func, select

from contracts.frames import Counters, DropCause
from contracts.times import to_micros, utc_now
from inference_worker.batch import CounterSample
from records.json_columns import decode_drop_counts
from records.rollups.sums import mark_dirty
from records.rollups.windows import MINUTE_S, window_start
from records.tables.rollups import DROP_CAUSES, RunMinute
from records.tables.runs import RunProgress
from records.upsert import upsert_for_dialect

_COLUMNS: Final = ("captured", "sampled_out", *DROP_CAUSES)

WORKER_CAUSES: Final = (DropCause.BROKER_LOST, DropCause.POISON)
"""Drops that the worker counts; the reader of the source cannot know them."""

Counts = dict[str, int]
"""Frames by column of RunMinute."""


def counts_by_minute(
    before: Counters, samples: Sequence[CounterSample], worker_counts: Counts, default_minute: int
) -> dict[int, Counts]:
    """Return the counts to add to each minute, by its start in microseconds.

    before: the counters that were added already. worker_counts: the worker's own counts, which
    belong to the minute of the last sample, or to `default_minute` if there are no samples.
    """
    minutes: dict[int, Counts] = {}
    for sample in samples:
        minute = window_start(sample.captured_at_us, MINUTE_S)
        _add(minutes.setdefault(minute, {}), _difference(before, sample.counters))
        before = sample.counters
    last = window_start(samples[-1].captured_at_us, MINUTE_S) if samples else default_minute
    if any(worker_counts.values()):
        _add(minutes.setdefault(last, {}), worker_counts)
    return minutes


def add_minute_counts(  # noqa: PLR0913  (one commit of one run)
    connection: Connection,
    run_pk: int,
    source_pk: int,
    samples: Sequence[CounterSample],
    *,
    end: Counters | None = None,
    broker_lost: int = 0,
    dead_lettered: int = 0,
    changed: Collection[int] = (),
    token: int,
) -> None:
    """Add a commit's counts to the minutes of its run, and mark those minutes dirty.

    Call it before the run's progress is advanced: the stored progress is what was added before.
    end: the counters of the End message, which belongs to no frame. changed: more minutes whose
    sums change, to be marked dirty with the others, in one order.
    """
    before = _stored_counters(connection, run_pk)
    counts = {str(DropCause.BROKER_LOST): broker_lost, str(DropCause.POISON): dead_lettered}
    if end is not None:
        _add(counts, _difference(samples[-1].counters if samples else before, end))
    default_minute = 0
    if not samples and any(counts.values()):
        default_minute = _latest_minute(connection, run_pk)
    minutes = counts_by_minute(before, samples, counts, default_minute)
    _write(connection, run_pk, minutes)
    mark_dirty(connection, source_pk, {*minutes, *changed}, token)


def _stored_counters(connection: Connection, run_pk: int) -> Counters:
    row = connection.execute(_counters_statement(), {"of_run": run_pk}).one()
    return Counters(row.frames_captured, row.frames_sampled_out, decode_drop_counts(row.dropped))


@cache
def _counters_statement() -> Select[int, int, str]:
    return select(
        RunProgress.frames_captured, RunProgress.frames_sampled_out, RunProgress.dropped
    ).where(RunProgress.run_pk == bindparam("of_run"))


def _latest_minute(connection: Connection, run_pk: int) -> int:
    latest = connection.execute(
        select(func.max(RunMinute.start)).where(RunMinute.run_pk == run_pk)
    ).scalar()
    return window_start(to_micros(utc_now()), MINUTE_S) if latest is None else latest


def _difference(before: Counters, after: Counters) -> Counts:
    dropped = {
        cause: after.dropped.get(cause, 0) - before.dropped.get(cause, 0)
        for cause in DROP_CAUSES
        if cause not in WORKER_CAUSES
    }
    return {
        "captured": after.captured - before.captured,
        "sampled_out": after.sampled_out - before.sampled_out,
        **dropped,
    }


def _add(counts: Counts, more: Counts) -> None:
    for column, count in more.items():
        counts[column] = counts.get(column, 0) + count


def _write(connection: Connection, run_pk: int, minutes: dict[int, Counts]) -> None:
    if not minutes:
        return
    rows = [
        {"run_pk": run_pk, "start": start} | {name: counts.get(name, 0) for name in _COLUMNS}
        for start, counts in minutes.items()
    ]
    connection.execute(_upsert_statement(connection.dialect.name), rows)


@cache
def _upsert_statement(dialect: str) -> Any:
    statement = upsert_for_dialect(dialect, RunMinute)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["run_pk", "start"],
        set_={name: getattr(RunMinute, name) + new[name] for name in _COLUMNS},
    )
