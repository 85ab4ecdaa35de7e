"""Heat maps: the hours of the week on the viewer's clock, over all weeks of a range."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from operator import add
from typing import Final

from sqlalchemy import Connection

from analytics.history.bucket_reader import Values
from analytics.history.hours_of_week.hour_sums import (
    HOUR_SUMS,
    MONDAY_HOURS,
    WEEK_HOURS,
    HourSums,
)
from analytics.history.hours_of_week.kept_weeks import kept_weeks
from analytics.history.local_time import OffsetSpan, bucket_begin, offset_spans, stored_width
from analytics.history.measures import Measures, measures_from_sums
from analytics.history.ranges import check_range
from analytics.history.source_selection import select_sources
from contracts.errors import SettingsError
from records.rollups.windows import HOUR_S

MAX_HEAT_MAP_RANGE: Final = timedelta(days=400)
_LEAST_WEEKS: Final = 8
"""Fewer are added up by the database in less time than it takes to see which have changed."""


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One hour of the week, 0 to 23, summed over the range. weekday: 0 is Monday.

    latest: the begin of the last of these hours with data.
    """

    weekday: int
    hour: int
    measures: Measures
    latest: datetime


def heat_map(  # noqa: PLR0913
    connection: Connection,
    since: datetime,
    until: datetime,
    zone: tzinfo,
    *,
    sources: Sequence[str] = (),
    tags: Sequence[str] = (),
    within: Collection[int] | None = None,
) -> tuple[HeatCell, ...]:
    """Return the hours of the week that have data, all sources combined, in order.

    Tracks are those that begin in the hour. within: as in `select_sources`.

    Raises SettingsError if the range is invalid or above 400 days, and SourceNotFoundError.
    """
    check_range(since, until)
    if until - since > MAX_HEAT_MAP_RANGE:
        raise SettingsError("a heat map shows at most 400 days", hint="Choose a shorter range")
    spans = list(offset_spans(since, until, zone))
    width_s = stored_width(HOUR_S, {span.offset_s for span in spans})
    source_pks = tuple(one.pk for one in select_sources(connection, sources, tags, within=within))
    cells: dict[int, Values] = {}
    latest: dict[int, datetime] = {}
    for span in spans:
        for number, sums in _hours(connection, HourSums(source_pks, span.offset_s, width_s), span):
            hour = number % WEEK_HOURS
            cells[hour] = list(map(add, cells[hour], sums)) if hour in cells else sums
            begin = bucket_begin(number + MONDAY_HOURS, HOUR_S, span.offset_s, zone)
            latest[hour] = max(begin, latest.get(hour, begin))
    return tuple(
        HeatCell(
            hour // 24,
            hour % 24,
            measures_from_sums(dict(zip(HOUR_SUMS, sums, strict=True))),
            latest[hour],
        )
        for hour, sums in sorted(cells.items())
    )


def _hours(
    connection: Connection, reader: HourSums, span: OffsetSpan
) -> Iterator[tuple[int, Values]]:
    """Yield the sums by the hour of the week, in parts to add, each with its last hour."""
    weeks = reader.whole_weeks(span.since_us, span.until_us)
    if len(weeks) < _LEAST_WEEKS:
        yield from reader.by_hour_of_week(connection, span.since_us, span.until_us)
        return
    yield from reader.by_hour_of_week(connection, span.since_us, reader.week_begin_us(weeks.start))
    yield from kept_weeks(connection.engine).by_hour_of_week(connection, reader, weeks)
    yield from reader.by_hour_of_week(connection, reader.week_begin_us(weeks.stop), span.until_us)
