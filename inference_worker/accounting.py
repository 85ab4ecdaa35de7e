"""When the frames of a run were captured, left out and dropped: its totals, minute by minute."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, func, select

from contracts.frames import Counters, DropCause
from contracts.times import to_micros, utc_now
from records.rollup_sums import mark_dirty
from records.tables.rollups import CAUSES, RunMinute
from records.tables.runs import RunProgress
from records.upsert import upsert_of
from records.windows import MINUTE_S, window_start

_NAMES: Final = ("captured", "sampled_out", *CAUSES)


@dataclass(frozen=True, slots=True)
class Told:
    """What a run's frame says of it: the cumulative counters, when the frame was captured."""

    captured_at_us: int
    counters: Counters


def minutes_of(
    before: Counters, told: Sequence[Told], found: dict[str, int], otherwise: int
) -> dict[int, dict[str, int]]:
    """What is to be added to which minutes, by the frames that told of it.

    before: the counters that were added already. found: what the worker counts itself, which the
    last frame gets. otherwise: the minute to take where no frame is.
    """
    minutes: dict[int, dict[str, int]] = {}
    for one in told:
        minute = window_start(one.captured_at_us, MINUTE_S)
        _add(minutes.setdefault(minute, {}), _since(before, one.counters))
        before = one.counters
    last = window_start(told[-1].captured_at_us, MINUTE_S) if told else otherwise
    if any(found.values()):
        _add(minutes.setdefault(last, {}), found)
    return minutes


def account(  # noqa: PLR0913  (one commit of one run)
    connection: Connection,
    run_pk: int,
    source_pk: int,
    told: Sequence[Told],
    *,
    end: Counters | None = None,
    lost: int = 0,
    poison: int = 0,
    token: int,
) -> None:
    """Add a commit to the run's minutes, and mark them. Call before run_state is advanced.

    end: the counters of the End message, which came with no frame.
    """
    before = _known(connection, run_pk)
    found = {str(DropCause.BROKER_LOST): lost, str(DropCause.POISON): poison}
    if end is not None:
        latest = told[-1].counters if told else before
        found |= {name: count + found.get(name, 0) for name, count in _since(latest, end).items()}
    otherwise = 0
    if not told and any(found.values()):
        otherwise = _latest_minute(connection, run_pk)
    minutes = minutes_of(before, told, found, otherwise)
    _write(connection, run_pk, minutes)
    mark_dirty(connection, source_pk, minutes, token)


def _known(connection: Connection, run_pk: int) -> Counters:
    row = connection.execute(
        select(
            RunProgress.frames_captured, RunProgress.frames_sampled_out, RunProgress.dropped
        ).where(RunProgress.run_pk == run_pk)
    ).one()
    return Counters(row.frames_captured, row.frames_sampled_out, json.loads(row.dropped))


def _latest_minute(connection: Connection, run_pk: int) -> int:
    latest = connection.execute(
        select(func.max(RunMinute.start)).where(RunMinute.run_pk == run_pk)
    ).scalar()
    return window_start(to_micros(utc_now()), MINUTE_S) if latest is None else latest


def _since(before: Counters, now: Counters) -> dict[str, int]:
    """The differences. What the worker counts itself is not the reader's to tell."""
    here = (DropCause.BROKER_LOST, DropCause.POISON)
    dropped = {
        cause: now.dropped.get(cause, 0) - before.dropped.get(cause, 0)
        for cause in CAUSES
        if cause not in here
    }
    return {
        "captured": now.captured - before.captured,
        "sampled_out": now.sampled_out - before.sampled_out,
        **dropped,
    }


def _add(sums: dict[str, int], more: dict[str, int]) -> None:
    for name, count in more.items():
        sums[name] = sums.get(name, 0) + count


def _write(connection: Connection, run_pk: int, minutes: dict[int, dict[str, int]]) -> None:
    if not minutes:
        return
    rows: list[dict[str, Any]] = [
        {"run_pk": run_pk, "start": start} | {name: sums.get(name, 0) for name in _NAMES}
        for start, sums in minutes.items()
    ]
    connection.execute(_adding(connection.dialect.name), rows)


@cache
def _adding(dialect: str) -> Any:
    statement = upsert_of(dialect, RunMinute)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["run_pk", "start"],
        set_={name: getattr(RunMinute, name) + new[name] for name in _NAMES},
    )
