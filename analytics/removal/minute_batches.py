"""Batches of a run's minutes, so that transactions that remove rows stay short."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import BigInteger, Engine, func, select, type_coerce

from analytics.history.row_sums import RowRange
from analytics.snapshots import snapshot
from contracts.times import MICROS
from records.rollups.windows import MINUTE_S, window_start
from records.tables.faces import Frame
from records.tables.rollups import RunMinute

FRAMES_PER_BATCH: Final = 5000
"""About this many frames a batch: on SQLite, workers wait for the end of its transaction."""
_MINUTE_US: Final = MINUTE_S * MICROS
_ANY_INDEX: Final = 2**62
_NO_INDEX: Final = (_ANY_INDEX, -1)


def minute_batches(
    engine: Engine, run_pk: int, since_us: int = -(2**62), until_us: int = 2**62
) -> list[RowRange]:
    """Return the minutes in which the run has rows, in batches of about FRAMES_PER_BATCH frames.

    Whole minutes, limited to those that overlap [since_us, until_us).
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
    return list(_batches(found, run_pk))


def _batches(found: dict[int, tuple[int, tuple[int, int]]], run_pk: int) -> Iterator[RowRange]:
    """Join minutes to batches. found: by minute, its number of frames and their index bounds."""
    since, held, indexes = None, 0, _NO_INDEX
    latest = max(found, default=0)
    for start, (rows, (first, last)) in sorted(found.items()):
        since = start if since is None else since
        held, indexes = held + rows, (min(indexes[0], first), max(indexes[1], last))
        if start == latest:
            # An unfinished run may get more frames in its last minute.
            indexes = (indexes[0], _ANY_INDEX)
        if start == latest or held >= FRAMES_PER_BATCH:
            yield RowRange(since, start + _MINUTE_US, run_pk, indexes)
            since, held, indexes = None, 0, _NO_INDEX


def frame_indexes(rows: RowRange) -> Any:
    """Select the frame_index of each frame in the range."""
    captured = type_coerce(Frame.captured_at, BigInteger)
    return select(Frame.frame_index).where(
        Frame.run_pk == rows.run_pk,
        *rows.index_conditions(),
        captured >= rows.since_us,
        captured < rows.until_us,
    )
