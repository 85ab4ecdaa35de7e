"""The counts of a run by minute of capture, after the time of its recording was changed.

Frames that were analysed have rows, and their minutes are known exactly. Those that were sampled
out or dropped have none: they go with the analysed frames of their old minute, in equal shares.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    delete,
    func,
    insert,
    select,
    type_coerce,
)

from contracts.times import MICROS
from records.rollups.windows import MINUTE_S, window_start
from records.tables.faces import Frame
from records.tables.rollups import COUNT_SUMS, RunMinute

_MINUTE_US: Final = MINUTE_S * MICROS
_MOST_PER_STATEMENT: Final = 1000

Counts = dict[str, int]


def write_shifted_minutes(
    connection: Connection, from_pk: int, to_pk: int, delta_us: int
) -> list[int]:
    """Write the minutes of run `to_pk`: those of run `from_pk`, `delta_us` later.

    The frames of `from_pk` still have their old times. Both may be one run. Returns the minutes,
    the old ones of `to_pk` included.
    """
    counts = [RunMinute.__table__.c[name] for name in COUNT_SUMS]
    stored = {
        row.start: {name: int(getattr(row, name)) for name in COUNT_SUMS}
        for row in connection.execute(
            select(RunMinute.start, *counts).where(RunMinute.run_pk == from_pk)
        )
    }
    moved = _frames_by_minutes(connection, from_pk, delta_us)
    shifted: dict[int, Counts] = {}
    for old, counts_of_minute in stored.items():
        # A minute without analysed frames goes where its begin goes.
        shares = moved.get(old) or {window_start(old + delta_us, MINUTE_S): 1}
        for new, one in _split(counts_of_minute, shares).items():
            there = shifted.setdefault(new, dict.fromkeys(COUNT_SUMS, 0))
            for name, count in one.items():
                there[name] += count
    of_run = RunMinute.run_pk == to_pk
    before = list(connection.scalars(select(RunMinute.start).where(of_run)))
    connection.execute(delete(RunMinute).where(of_run))
    rows = [{"run_pk": to_pk, "start": start} | counts for start, counts in shifted.items()]
    for first in range(0, len(rows), _MOST_PER_STATEMENT):
        connection.execute(insert(RunMinute), rows[first : first + _MOST_PER_STATEMENT])
    of_frames = {minute for shares in moved.values() for minute in shares}
    return sorted({*before, *shifted, *of_frames, *(moved if from_pk == to_pk else ())})


def _frames_by_minutes(
    connection: Connection, run_pk: int, delta_us: int
) -> dict[int, dict[int, int]]:
    """Return the number of analysed frames by old and by new minute."""
    captured = type_coerce(Frame.captured_at, BigInteger)
    old, new = _minute_of(captured).label("old"), _minute_of(captured + delta_us).label("new")
    found: dict[int, dict[int, int]] = {}
    for row in connection.execute(
        select(old, new, func.count().label("frames"))
        .where(Frame.run_pk == run_pk)
        .group_by(old, new)
    ):
        found.setdefault(int(row.old), {})[int(row.new)] = row.frames
    return found


def _minute_of(micros: ColumnElement[int]) -> ColumnElement[int]:
    # Twice `%`: before 1970 it is negative in SQL.
    return micros - (micros % _MINUTE_US + _MINUTE_US) % _MINUTE_US


def _split(counts: Mapping[str, int], shares: Mapping[int, int]) -> dict[int, Counts]:
    """Split each count by the shares; what does not divide goes to the first minutes."""
    total = sum(shares.values())
    parts: dict[int, Counts] = {minute: {} for minute in sorted(shares)}
    for name, count in counts.items():
        left, weight = count, total
        for minute, part_counts in parts.items():
            part = -(-left * shares[minute] // weight)
            part_counts[name] = part
            left, weight = left - part, weight - shares[minute]
    return parts
