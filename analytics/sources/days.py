"""The day and the week of one source, on the viewer's clock."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

from sqlalchemy import Connection

from analytics.comparison.earlier_times import (
    Against,
    CalendarRange,
    calendar_ends,
    earlier_time,
)
from analytics.comparison.verdict import Verdict, verdict_on
from analytics.history.extent import fitted_range, latest_range
from analytics.history.local_time import finest_step
from analytics.history.source_selection import HistorySource
from analytics.history.timeline import Bucket, timeline
from analytics.history.totals import Total, totals
from contracts.runs import RunKind
from records.rollups.windows import DAY_S

DAYS_OF_WEEK: Final = 7
_DAY: Final = timedelta(days=1)
STEPS_OF_DAY: Final = 100
"""A day of quarters of an hour has 96, or 100 where the clocks are set back."""


@dataclass(frozen=True, slots=True)
class SourceDay:
    """Today, or the part of it since the history began, in equal buckets.

    is_today: False if nothing was analysed today: then it is the last time, of at most as long,
    in which something was. verdict: compared with the same time yesterday; None for recordings,
    which do not cover every day.
    """

    since: datetime
    until: datetime
    step_s: int
    is_today: bool
    buckets: tuple[Bucket, ...]
    total: Total
    verdict: Verdict | None


def source_day(
    connection: Connection, source: HistorySource, zone: tzinfo, now: datetime
) -> SourceDay:
    """Return the day of a source."""
    is_steady = source.kind == RunKind.LIVE or source.generated
    span = _shown_span(connection, source.pk, zone, now, is_steady=is_steady)
    is_today = is_steady and span[1] == now
    calendar = CalendarRange.TODAY if is_today else None
    earlier = earlier_time(*span, zone, Against.PREVIOUS, calendar)
    before = None if earlier is None else (earlier.since, earlier.until)
    (total,) = totals(connection, *span, sources=[source.name], earlier=before)
    found = timeline(
        connection, *span, zone, sources=[source.name], step_s=finest_step(*span, STEPS_OF_DAY)
    )
    return SourceDay(
        *span,
        found.step_s,
        is_today,
        found.series[source.name],
        total,
        verdict_on(connection, [total], span, earlier) if is_steady and earlier else None,
    )


def _shown_span(
    connection: Connection, pk: int, zone: tzinfo, now: datetime, *, is_steady: bool
) -> tuple[datetime, datetime]:
    """Return today since the history began; without any, the last day that has history."""
    today = calendar_ends(CalendarRange.TODAY, zone, now)
    if is_steady:
        span = fitted_range(connection, [pk], *today)
        if span[1] == now:
            return span
    return latest_range(connection, [pk], _DAY) or today


def source_week(
    connection: Connection, source: HistorySource, zone: tzinfo, until: datetime
) -> tuple[Bucket, ...]:
    """Return the seven days of the viewer's calendar that end with the one of `until`."""
    last = (until - timedelta(microseconds=1)).astimezone(zone).date()
    first = last - timedelta(days=DAYS_OF_WEEK - 1)
    since = datetime.combine(first, time(), zone).astimezone(UTC)
    found = timeline(connection, since, until, zone, sources=[source.name], step_s=DAY_S)
    return found.series[source.name]
