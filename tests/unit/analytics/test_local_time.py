"""Buckets of local days, hours and weeks, also where clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from analytics.history.local_time import WEEK_S, auto_step, bucket_begins
from records.rollups.windows import DAY_S, HOUR_S

BERLIN = ZoneInfo("Europe/Berlin")
SPRING = datetime(2026, 3, 28, tzinfo=UTC)
"""The day before Berlin's clocks change."""


def test_days_begin_at_local_midnight_and_may_have_23_hours() -> None:
    begins = bucket_begins(SPRING, SPRING + timedelta(days=3), DAY_S, BERLIN)
    hours = [(end - begin).total_seconds() / 3600 for begin, end in pairwise(begins)]
    assert hours == [24, 23, 24, 24]
    assert all(begin.astimezone(BERLIN).hour == 0 for begin in begins)


def test_an_hour_that_the_clock_shows_twice_is_two_buckets() -> None:
    autumn = datetime(2026, 10, 24, 22, tzinfo=UTC)
    begins = bucket_begins(autumn, autumn + timedelta(hours=25), HOUR_S, BERLIN)
    assert len(begins) == 26
    shown = [begin.astimezone(BERLIN).hour for begin in begins]
    assert shown[:5] == [0, 1, 2, 2, 3]


def test_weeks_begin_on_mondays() -> None:
    begins = bucket_begins(SPRING, SPRING + timedelta(days=60), WEEK_S, BERLIN)
    assert {begin.astimezone(BERLIN).weekday() for begin in begins} == {0}


def test_many_series_have_coarser_steps() -> None:
    months = (SPRING, SPRING + timedelta(days=290))
    assert [auto_step(*months, series) for series in (1, 10, 11, 400)] == [
        DAY_S,
        DAY_S,
        WEEK_S,
        4 * WEEK_S,
    ]
