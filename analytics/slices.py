"""The rows of a run, some minutes at a time: transactions stay short."""

from typing import Any, Final

from sqlalchemy import BigInteger, Engine, func, select, type_coerce

from analytics.raw_sums import Rows
from analytics.snapshots import snapshot
from contracts.history import MICROS, MINUTE_S, RunMinute
from contracts.records import Frame

ROWS_A_SLICE: Final = 5000
"""Frames in one slice, about: the workers wait for its transaction on SQLite."""
_MINUTE_US: Final = MINUTE_S * MICROS


def minute_slices(engine: Engine, run_pk: int) -> list[Rows]:
    """The minutes that the run has rows in, as stretches of about ROWS_A_SLICE frames."""
    captured = type_coerce(Frame.captured_at, BigInteger)
    minute = captured - (captured % _MINUTE_US + _MINUTE_US) % _MINUTE_US
    queries: list[Any] = [
        select(minute.label("start"), func.count().label("rows"))
        .where(Frame.run_pk == run_pk)
        .group_by(minute),
        select(RunMinute.start, type_coerce(0, BigInteger).label("rows")).where(
            RunMinute.run_pk == run_pk
        ),
    ]
    counts: dict[int, int] = {}
    with snapshot(engine) as connection:
        for query in queries:
            for row in connection.execute(query):
                counts[row.start] = counts.get(row.start, 0) + row.rows
    slices: list[Rows] = []
    since, held = None, 0
    for start in sorted(counts):
        since = start if since is None else since
        held += counts[start]
        if held >= ROWS_A_SLICE:
            slices.append(Rows(since, start + _MINUTE_US, run_pk))
            since, held = None, 0
    if since is not None:
        slices.append(Rows(since, max(counts) + _MINUTE_US, run_pk))
    return slices


def frames_of(rows: Rows) -> Any:
    """The frame_index of each of these frames, as a query."""
    captured = type_coerce(Frame.captured_at, BigInteger)
    return select(Frame.frame_index).where(
        Frame.run_pk == rows.run_pk, captured >= rows.since_us, captured < rows.until_us
    )
