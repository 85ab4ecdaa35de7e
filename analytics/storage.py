"""How large the records are, how fast they grow, and where retention lets them level off."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine, func, select, text

from analytics.snapshots import snapshot
from contracts.times import MICROS, from_micros, to_micros
from records.tables.rollups import rollups
from records.tables.runs import RunProgress
from records.tables.sources import Source
from records.windows import DAY_S, window_start

_SIZE: Final = {
    "postgresql": "SELECT pg_database_size(current_database())",
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
}
_DAYS: Final = 14
_LATELY: Final = 7


@dataclass(frozen=True, slots=True)
class DayOfRows:
    """Frame and face rows of what was captured on a UTC day."""

    day: datetime
    rows: int


@dataclass(frozen=True, slots=True)
class Storage:
    """bytes: of the whole database. rows: frames and faces that are kept. days: the last ones.

    bytes_a_day: of late, estimated from the mean size of a row; 0 where too little is kept.
    levels_at: bytes that it will have once as much goes as comes; None where rows are kept for
    ever or nothing came.
    """

    bytes: int
    rows: int
    days: tuple[DayOfRows, ...]
    bytes_a_day: float
    levels_at: float | None


def storage(engine: Engine, kept_days: int, now: datetime) -> Storage:
    """Measured and estimated now. kept_days: how long rows are kept; 0 is for ever."""
    until = window_start(to_micros(now), DAY_S) + DAY_S * MICROS
    since = until - _DAYS * DAY_S * MICROS
    day_rows = (
        select(rollups.c.start, func.sum(rollups.c.frames + rollups.c.faces))
        .where(rollups.c.source_pk.in_(select(Source.id)), rollups.c.width_s == DAY_S)
        .where(rollups.c.start >= since, rollups.c.start < until)
        .where(rollups.c.frames > 0)
        .group_by(rollups.c.start)
    )
    kept = select(func.coalesce(func.sum(RunProgress.frames_analyzed + RunProgress.faces), 0))
    with snapshot(engine) as connection:
        size = int(connection.execute(text(_SIZE[engine.dialect.name])).scalar_one())
        rows = int(connection.execute(kept).scalar_one())
        by_day = {int(start): int(count) for start, count in connection.execute(day_rows)}
    days = tuple(
        DayOfRows(from_micros(start), by_day.get(start, 0))
        for start in range(since, until, DAY_S * MICROS)
    )
    full = [one.rows for one in days if one.day + timedelta(days=1) <= now][-_LATELY:]
    mean_rows = sum(full) / len(full) if full else 0.0
    # Of fewer rows than come in a day the mean size says nothing: most of it is something else.
    bytes_a_row = size / rows if rows and rows >= mean_rows else 0.0
    bytes_a_day = mean_rows * bytes_a_row
    levels_at = bytes_a_day * kept_days if kept_days and bytes_a_day else None
    return Storage(size, rows, days, bytes_a_day, levels_at)
