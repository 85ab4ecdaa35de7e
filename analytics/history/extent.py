"""The extent of the history: when it begins, and when something was analysed last."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, func, select

from contracts.times import MICROS, from_micros
from records.rollups.windows import DAY_S, HOUR_S, MINUTE_S, QUARTER_S, window_start
from records.tables.rollups import rollups
from records.tables.sources import Source

_FINER: Final = (DAY_S, HOUR_S, QUARTER_S, MINUTE_S)
SHORTEST: Final = timedelta(minutes=10)
"""The shortest range that a chart is fitted to."""


def first_analysed(connection: Connection, source_pks: Sequence[int]) -> datetime | None:
    """Return the begin of the first stored window with an analysed frame; None without any."""
    found: int | None = None
    for width_s in _FINER:
        within = None if found is None else (found, _above(found, width_s))
        found = _edge(connection, source_pks, width_s, within, last=False) or found
    return None if found is None else from_micros(found)


def last_analysed(connection: Connection, source_pks: Sequence[int]) -> datetime | None:
    """Return the end of the last stored window with an analysed frame; None without any."""
    found: int | None = None
    end: int | None = None
    for width_s in _FINER:
        within = None if found is None else (found, _above(found, width_s))
        finer = _edge(connection, source_pks, width_s, within, last=True)
        if finer is not None:
            found, end = finer, finer + width_s * MICROS
    return None if end is None else from_micros(end)


def latest_range(
    connection: Connection, source_pks: Sequence[int], length: timedelta
) -> tuple[datetime, datetime] | None:
    """Return the range that ends with what was analysed last, at most `length` long, or None."""
    first, last = first_analysed(connection, source_pks), last_analysed(connection, source_pks)
    return None if first is None or last is None else _latest(first, last, length)


def fitted_range(
    connection: Connection, source_pks: Sequence[int], since: datetime, until: datetime
) -> tuple[datetime, datetime]:
    """Return the part of [since, until) since the history began.

    If all of the history is older, the latest range of at most the same length.
    """
    first, last = first_analysed(connection, source_pks), last_analysed(connection, source_pks)
    if first is None or last is None:
        return since, until
    if last <= since:
        return _latest(first, last, until - since)
    return max(since, min(first, until - SHORTEST)), until


def _latest(first: datetime, last: datetime, length: timedelta) -> tuple[datetime, datetime]:
    return max(last - length, min(first, last - SHORTEST)), last


def _above(start_us: int, width_s: int) -> int:
    """Return the end of the next wider window that begins at start_us."""
    wider = _FINER[_FINER.index(width_s) - 1]
    return window_start(start_us, wider) + wider * MICROS


def _edge(
    connection: Connection,
    source_pks: Sequence[int],
    width_s: int,
    within: tuple[int, int] | None,
    *,
    last: bool,
) -> int | None:
    """Return the begin of the first or last window of this width with frames.

    A subquery for each source, so that each reads one row of the primary key.
    """
    start = rollups.c.start
    query = select(start).where(
        rollups.c.source_pk == Source.id, rollups.c.width_s == width_s, rollups.c.frames > 0
    )
    if within is not None:
        query = query.where(start >= within[0], start < within[1])
    one = query.order_by(start.desc() if last else start).limit(1).scalar_subquery()
    edge = func.max(one) if last else func.min(one)
    found = connection.execute(select(edge).where(Source.id.in_(list(source_pks)))).scalar()
    return None if found is None else int(found)
