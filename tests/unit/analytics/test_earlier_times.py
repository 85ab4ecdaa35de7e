"""The earlier time of a range: on the viewer's clock, named as people say it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from analytics.comparison.earlier_times import (
    Against,
    CalendarRange,
    calendar_ends,
    earlier_time,
    given_time,
)
from contracts.errors import SettingsError

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 13, 30, tzinfo=UTC)
"""A Wednesday; 14:30 in Berlin."""


def berlin(day: int, hour: int = 0, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("asked", "ends", "earlier", "name"),
    [
        ("today", ((25,), (25, 14, 30)), ((24,), (24, 14, 30)), "yesterday"),
        ("yesterday", ((24,), (25,)), ((23,), (24,)), "the day before"),
        ("week", ((23,), (25, 14, 30)), ((16,), (18, 14, 30)), "last week"),
    ],
)
def test_a_day_or_week_is_compared_up_to_the_same_time(
    asked: str,
    ends: tuple[tuple[int, ...], ...],
    earlier: tuple[tuple[int, ...], ...],
    name: str,
) -> None:
    calendar = CalendarRange(asked)
    since, until = calendar_ends(calendar, BERLIN, NOW)
    assert (since, until) == tuple(berlin(*one) for one in ends)
    found = earlier_time(since, until, BERLIN, Against.PREVIOUS, calendar)
    assert found is not None and found.name == name
    assert (found.since, found.until) == tuple(berlin(*one) for one in earlier)


def test_a_day_of_23_hours_is_compared_with_the_whole_day_before() -> None:
    changed = datetime(2026, 3, 29, 22, tzinfo=UTC)  # Midnight after the clocks went forward.
    since, until = calendar_ends(CalendarRange.YESTERDAY, BERLIN, changed)
    assert until - since == timedelta(hours=23)
    found = earlier_time(since, until, BERLIN, Against.PREVIOUS, CalendarRange.YESTERDAY)
    assert found is not None and found.until == since
    assert found.until - found.since == timedelta(hours=24)


def test_a_range_is_compared_with_as_much_before_it_or_with_whole_weeks_before() -> None:
    since = NOW - timedelta(hours=24)
    before = earlier_time(since, NOW, BERLIN, Against.PREVIOUS)
    assert before is not None and before.name == "the day before"
    assert (before.since, before.until) == (since - timedelta(hours=24), since)
    week = earlier_time(since, NOW, BERLIN, Against.WEEKDAY)
    assert week is not None and week.name == "the same weekday a week before"
    assert week.since == since - timedelta(days=7) and week.until == NOW - timedelta(days=7)
    month = earlier_time(NOW - timedelta(days=30), NOW, BERLIN, Against.WEEKDAY)
    assert month is not None and month.until == berlin(21, 14, 30, 10), "on the clock"
    days = earlier_time(berlin(20), berlin(23), BERLIN, Against.PREVIOUS)
    assert days is not None and days.name == "the 3 days before" and days.since == berlin(17)
    assert earlier_time(since, NOW, BERLIN, Against.NONE) is None


def test_any_range_is_named_by_its_dates() -> None:
    assert given_time(berlin(3), berlin(4), BERLIN).name == "3 Nov 2026"
    assert given_time(berlin(3), berlin(5), BERLIN).name == "3 Nov 2026 to 4 Nov 2026"
    assert given_time(berlin(3, 8), berlin(3, 9), BERLIN).name == "3 Nov 2026 08:00 to 09:00"
    with pytest.raises(SettingsError, match="is empty"):
        given_time(berlin(3), berlin(3), BERLIN)


def test_the_first_minute_of_a_day_is_a_range() -> None:
    since, until = calendar_ends(CalendarRange.TODAY, BERLIN, berlin(25))
    assert since < until
    found = earlier_time(since, until, BERLIN, Against.PREVIOUS, CalendarRange.TODAY)
    assert found is not None and found.since < found.until
