"""Storage use: the database's size, its growth, and the size at which retention levels it off."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, func, select, text

from analytics.history.source_selection import GENERATED
from contracts.times import MICROS, from_micros, to_micros
from records.rollups.windows import DAY_S, window_start
from records.tables.rollups import rollups
from records.tables.runs import RunProgress
from records.tables.sources import Source

_SIZE_QUERIES: Final = {
    "postgresql": "SELECT pg_database_size(current_database())",
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
}
_DAYS: Final = 14
_DAYS_AVERAGED: Final = 7


@dataclass(frozen=True, slots=True)
class DailyRows:
    """The number of frame and face rows captured on one UTC day."""

    day: datetime
    rows: int


@dataclass(frozen=True, slots=True)
class StorageUse:
    """Size and growth of the whole database.

    rows: stored frames and faces. days: the last 14 UTC days, without generated history, which has
    no rows. bytes_a_day: estimated from the
    last seven whole days and the mean size of a row; 0 if too few rows are stored. levels_at: the
    size in bytes at which retention removes as much as arrives; None if rows are kept without a
    limit or nothing arrived.
    """

    bytes: int
    rows: int
    days: tuple[DailyRows, ...]
    bytes_a_day: float
    levels_at: float | None


def database_bytes(connection: Connection) -> int:
    """Return the size of the whole database."""
    return int(connection.execute(text(_SIZE_QUERIES[connection.dialect.name])).scalar_one())


def storage_use(connection: Connection, kept_days: int, now: datetime) -> StorageUse:
    """Measure the size and estimate the growth. kept_days: age limit of rows; 0 means none."""
    until = window_start(to_micros(now), DAY_S) + DAY_S * MICROS
    since = until - _DAYS * DAY_S * MICROS
    measured = select(Source.id).where(~Source.tags.contains(f'"{GENERATED}"'))
    day_rows = (
        select(rollups.c.start, func.sum(rollups.c.frames + rollups.c.faces))
        .where(rollups.c.source_pk.in_(measured), rollups.c.width_s == DAY_S)
        .where(rollups.c.start >= since, rollups.c.start < until)
        .where(rollups.c.frames > 0)
        .group_by(rollups.c.start)
    )
    stored = select(func.coalesce(func.sum(RunProgress.frames_analyzed + RunProgress.faces), 0))
    size = database_bytes(connection)
    rows = int(connection.execute(stored).scalar_one())
    by_day = {int(start): int(count) for start, count in connection.execute(day_rows)}
    days = tuple(
        DailyRows(from_micros(start), by_day.get(start, 0))
        for start in range(since, until, DAY_S * MICROS)
    )
    whole_days = [one.rows for one in days if one.day + timedelta(days=1) <= now]
    averaged = whole_days[-_DAYS_AVERAGED:]
    mean_rows = sum(averaged) / len(averaged) if averaged else 0.0
    # With fewer rows than a day brings, most of the file is something else: no mean row size.
    bytes_a_row = size / rows if rows and rows >= mean_rows else 0.0
    bytes_a_day = mean_rows * bytes_a_row
    levels_at = bytes_a_day * kept_days if kept_days and bytes_a_day else None
    return StorageUse(size, rows, days, bytes_a_day, levels_at)
