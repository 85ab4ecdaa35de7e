"""The rows of a run, some minutes at a time: transactions stay short."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import BigInteger, Engine, func, select, type_coerce

from analytics.history.row_sums import Rows
from analytics.snapshots import snapshot
from contracts.times import MICROS
from records.tables.faces import Frame
from records.tables.rollups import RunMinute
from records.windows import MINUTE_S, window_start

ROWS_A_SLICE: Final = 5000
"""Frames in one slice, about: the workers wait for its transaction on SQLite."""
_MINUTE_US: Final = MINUTE_S * MICROS
_ANY_INDEX: Final = 2**62
_NO_INDEX: Final = (_ANY_INDEX, -1)


def minute_slices(
    engine: Engine, run_pk: int, since_us: int = -(2**62), until_us: int = 2**62
) -> list[Rows]:
    """The minutes that the run has rows in, as stretches of about ROWS_A_SLICE frames.

    Whole minutes, of those that [since_us, until_us) touches.
    """
    captured = type_coerce(Frame.captured_at, BigInteger)
    minute = captured - (captured % _MINUTE_US + _MINUTE_US) % _MINUTE_US
    since_us, until_us = window_start(since_us, MINUTE_S), -window_start(-until_us, MINUTE_S)
    frames = (
        select(
            minute.label("start"),
            func.count().label("rows"),
            func.min(Frame.frame_index).label("first"),
            func.max(Frame.frame_index).label("last"),
        )
        .where(Frame.run_pk == run_pk, captured >= since_us, captured < until_us)
        .group_by(minute)
    )
    counts = select(RunMinute.start).where(
        RunMinute.run_pk == run_pk, RunMinute.start >= since_us, RunMinute.start < until_us
    )
    with snapshot(engine) as connection:
        found = dict.fromkeys(connection.execute(counts).scalars(), (0, _NO_INDEX))
        for row in connection.execute(frames):
            found[row.start] = (row.rows, (row.first, row.last))
    return list(_slices(found, run_pk))


def _slices(found: dict[int, tuple[int, tuple[int, int]]], run_pk: int) -> Iterator[Rows]:
    """By minute how many frames it has, and between which indexes; some minutes at a time."""
    since, held, indexes = None, 0, _NO_INDEX
    latest = max(found, default=0)
    for start, (rows, (first, last)) in sorted(found.items()):
        since = start if since is None else since
        held, indexes = held + rows, (min(indexes[0], first), max(indexes[1], last))
        if start == latest:
            # A run that goes on may get more frames in its last minute.
            indexes = (indexes[0], _ANY_INDEX)
        if start == latest or held >= ROWS_A_SLICE:
            yield Rows(since, start + _MINUTE_US, run_pk, indexes)
            since, held, indexes = None, 0, _NO_INDEX


def frames_of(rows: Rows) -> Any:
    """The frame_index of each of these frames, as a query."""
    captured = type_coerce(Frame.captured_at, BigInteger)
    return select(Frame.frame_index).where(
        Frame.run_pk == rows.run_pk,
        *rows.by_index(),
        captured >= rows.since_us,
        captured < rows.until_us,
    )
