"""Intervals of a live source: how long it was in which state, and its uptime."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, insert, select, update

from contracts.live_sources import LiveState
from contracts.times import MICROS, to_micros
from records.database import transaction
from records.locks import lock_rollups
from records.rollup_sums import add_sums
from records.tables.rollups import UPTIME
from records.tables.sources import SourceInterval
from records.windows import WIDTHS, windows

_LONGEST_NEWS_US: Final = 7 * 86_400 * MICROS
"""Uptime is added at most that far back: a wrong clock must not write for hours."""


@dataclass(frozen=True, slots=True)
class IntervalNews:
    """A source is in a state since then, and still was at `until`."""

    source_pk: int
    state: LiveState
    reason: str
    since: datetime
    until: datetime


def write_intervals(engine: Engine, news: Sequence[IntervalNews]) -> None:
    """Extend the sources' latest intervals, or begin new ones where the state is another."""
    with transaction(engine) as connection:
        lock_rollups(connection)
        for one in news:
            _write_interval(connection, one)


def _write_interval(connection: Connection, one: IntervalNews) -> None:
    of_source = (
        select(SourceInterval.id, SourceInterval.until)
        .where(SourceInterval.source_pk == one.source_pk)
        .order_by(SourceInterval.since.desc(), SourceInterval.id.desc())
        .limit(1)
    )
    latest = connection.execute(of_source).first()
    # A clock that was turned back makes the latest by time another one than the last to be written.
    known = connection.execute(
        of_source.where(SourceInterval.since == one.since, SourceInterval.state == one.state)
    ).first()
    # A moment is in one state only.
    begin = max([one.since, *(row.until for row in (latest, known) if row is not None)])
    if known is not None:
        connection.execute(
            update(SourceInterval)
            .where(SourceInterval.id == known.id)
            .values(until=max(one.until, known.until), reason=one.reason)
        )
    else:
        connection.execute(
            insert(SourceInterval).values(
                source_pk=one.source_pk,
                state=one.state,
                reason=one.reason,
                since=one.since,
                until=one.until,
            )
        )
    _add_uptime(connection, one, to_micros(begin), to_micros(one.until))


def _add_uptime(connection: Connection, one: IntervalNews, begin_us: int, end_us: int) -> None:
    """Nothing else knows it: it is added to the windows at once, and never computed again."""
    begin_us = max(begin_us, end_us - _LONGEST_NEWS_US)
    add_sums(
        connection,
        [
            {
                "source_pk": one.source_pk,
                "width_s": width_s,
                "start": start,
                "part": UPTIME,
                "folded_at": one.until,
                # Differences of whole milliseconds: pieces add up to the whole.
                "watched_ms": (ms := until // 1000 - since // 1000),
                "up_ms": ms if one.state is LiveState.STREAMING else 0,
            }
            for width_s in WIDTHS
            for start, since, until in windows(begin_us, end_us, width_s)
        ],
    )
