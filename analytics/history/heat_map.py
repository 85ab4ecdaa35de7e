"""Heat maps: the hours of the week on the viewer's clock, over all weeks of a range."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from sqlalchemy import Connection, func, select

from analytics.history.bucket_reader import Values, add_values
from analytics.history.local_time import bucket_begin, offset_spans, stored_width
from analytics.history.measures import Measures, measures_from_sums
from analytics.history.ranges import check_range
from analytics.history.source_selection import select_sources
from analytics.history.stored_windows import BucketClock, windows_in_range
from contracts.errors import SettingsError
from records.rollups.windows import HOUR_S
from records.tables.rollups import LABEL_SUMS, PROBABILITY_SUMS, rollups

MAX_HEAT_MAP_RANGE: Final = timedelta(days=400)
_WEEK_HOURS: Final = 168
_MONDAY_HOURS: Final = 96
"""The hours from 1970-01-01, a Thursday, to the first Monday."""
_SUMS: Final = (
    *LABEL_SUMS.values(),
    "frames",
    "analyzed_ms",
    "tracks_begun",
)


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
    with_valence: bool = False,
    within: Collection[int] | None = None,
) -> tuple[HeatCell, ...]:
    """Return the hours of the week that have data, all sources combined, in order.

    with_valence: also read the probabilities, of which valence is computed. within: as in
    `select_sources`.

    Raises SettingsError if the range is invalid or above 400 days, and SourceNotFoundError.
    """
    check_range(since, until)
    if until - since > MAX_HEAT_MAP_RANGE:
        raise SettingsError("a heat map shows at most 400 days", hint="Choose a shorter range")
    spans = list(offset_spans(since, until, zone))
    width_s = stored_width(HOUR_S, {span.offset_s for span in spans})
    names = (*_SUMS, *PROBABILITY_SUMS.values()) if with_valence else _SUMS
    cells: dict[int, Values] = {}
    latest: dict[int, datetime] = {}
    source_pks = [one.pk for one in select_sources(connection, sources, tags, within=within)]
    for span in spans:
        index = BucketClock(HOUR_S, span.offset_s).index()
        hour = (index - _MONDAY_HOURS) % _WEEK_HOURS
        query = (
            select(
                hour.label("hour"),
                func.max(index).label("latest"),
                *(func.sum(rollups.c[name]).label(name) for name in names),
            )
            .where(*windows_in_range(source_pks, width_s, span.since_us, span.until_us))
            .group_by(hour)
        )
        for row in connection.execute(query):
            # Before 1970, SQL's remainder is negative.
            # PostgreSQL sums to decimals.
            add_values(cells, row[0] % _WEEK_HOURS, [int(one or 0) for one in row[2:]])
            latest[row[0] % _WEEK_HOURS] = bucket_begin(row[1], HOUR_S, span.offset_s, zone)
    return tuple(
        HeatCell(
            hour // 24,
            hour % 24,
            measures_from_sums(dict(zip(names, sums, strict=True))),
            latest[hour],
        )
        for hour, sums in sorted(cells.items())
    )
