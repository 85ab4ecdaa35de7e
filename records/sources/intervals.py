"""State intervals of live sources, and the uptime that they add to the rollups."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, insert, select, update

from contracts.live_sources import LiveState
from contracts.times import MICROS, to_micros
from records.database import transaction
from records.locks import lock_rollups
from records.rollups.sums import add_sums
from records.rollups.windows import WIDTHS, split_by_window
from records.tables.rollups import UPTIME_PART
from records.tables.sources import SourceInterval

_MAX_UPTIME_US: Final = 7 * 86_400 * MICROS
"""The longest uptime added at once: a wrong clock must not cause hours of writing."""


@dataclass(frozen=True, slots=True)
class StateInterval:
    """A source was in one state from `since` to `until`, and may still be."""

    source_pk: int
    state: LiveState
    reason: str
    since: datetime
    until: datetime


def write_intervals(engine: Engine, intervals: Sequence[StateInterval]) -> None:
    """Extend the stored intervals that began at the same time, or add new ones."""
    with transaction(engine) as connection:
        lock_rollups(connection)
        for interval in intervals:
            _write_interval(connection, interval)


def _write_interval(connection: Connection, interval: StateInterval) -> None:
    of_source = (
        select(SourceInterval.id, SourceInterval.until)
        .where(SourceInterval.source_pk == interval.source_pk)
        .order_by(SourceInterval.since.desc(), SourceInterval.id.desc())
        .limit(1)
    )
    latest = connection.execute(of_source).first()
    # After a clock was set back, the latest interval by time is not the last one written.
    known = connection.execute(
        of_source.where(
            SourceInterval.since == interval.since, SourceInterval.state == interval.state
        )
    ).first()
    # Uptime must not count a moment twice, so it begins after every stored interval.
    begin = max([interval.since, *(row.until for row in (latest, known) if row is not None)])
    if known is not None:
        connection.execute(
            update(SourceInterval)
            .where(SourceInterval.id == known.id)
            .values(until=max(interval.until, known.until), reason=interval.reason)
        )
    else:
        connection.execute(
            insert(SourceInterval).values(
                source_pk=interval.source_pk,
                state=interval.state,
                reason=interval.reason,
                since=interval.since,
                until=interval.until,
            )
        )
    _add_uptime(connection, interval, to_micros(begin), to_micros(interval.until))


def _add_uptime(
    connection: Connection, interval: StateInterval, begin_us: int, end_us: int
) -> None:
    """Add the uptime to the rollups now: no other rows exist to compute it from later."""
    begin_us = max(begin_us, end_us - _MAX_UPTIME_US)
    rows: list[dict[str, int | datetime]] = []
    for width_s in WIDTHS:
        for part in split_by_window(begin_us, end_us, width_s):
            # Differences of whole milliseconds: the parts add up to the whole.
            watched_ms = part.until_us // 1000 - part.since_us // 1000
            rows.append(
                {
                    "source_pk": interval.source_pk,
                    "width_s": width_s,
                    "start": part.start_us,
                    "part": UPTIME_PART,
                    "folded_at": interval.until,
                    "watched_ms": watched_ms,
                    "up_ms": watched_ms if interval.state is LiveState.STREAMING else 0,
                }
            )
    add_sums(connection, rows)
