"""Cron expressions where clocks are set: each time of the clock is due once."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from analytics.scheduling.times import cron

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
EXPRESSIONS = ("0 0 * * *", "30 2 * * *", "*/20 * * * *", "0 0 * * mon", "15 0-3 1,15 * sun")
KNOWN = (
    *("US/Pacific", "Europe/Berlin", "Europe/London", "Australia/Sydney", "Africa/Cairo"),
    *("America/Havana", "America/Santiago", "Asia/Beirut", "Australia/Lord_Howe", "UTC"),
    *("Pacific/Apia", "Africa/Casablanca", "America/Nuuk", "Antarctica/Troll", "Asia/Kathmandu"),
)


@pytest.mark.parametrize(
    ("expression", "zone", "after", "due"),
    [
        ("0 0 * * *", "US/Pacific", "2027-03-14T12:00", "2027-03-15T07:00"),
        ("0 0 * * mon", "Europe/Berlin", "2026-03-29T12:00", "2026-03-29T22:00"),
        ("0 0 * * mon", "Australia/Sydney", "2026-10-04T03:00", "2026-10-04T13:00"),
        ("0 0 * * *", "Africa/Cairo", "2026-04-23T12:00", "2026-04-23T22:00"),
        ("0 0 * * *", "America/Havana", "2026-03-08T01:00", "2026-03-08T05:00"),
        ("0 0 * * *", "America/Santiago", "2026-09-06T01:00", "2026-09-06T04:00"),
        ("0 0 * * *", "Asia/Beirut", "2026-03-28T12:00", "2026-03-28T22:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:00", "2026-10-25T00:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00"),
    ],
)
def test_no_time_is_lost_and_none_is_due_twice(
    expression: str, zone: str, after: str, due: str
) -> None:
    """All moments are UTC."""
    moment, expected = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (after, due))
    assert cron(expression, ZoneInfo(zone)).next_after(moment) == expected


def test_either_the_day_of_month_or_the_weekday_must_match() -> None:
    found, moment = [], datetime(2026, 11, 1, tzinfo=UTC)
    for _ in range(6):
        due = cron("0 12 13,20 * fri").next_after(moment)
        assert due is not None
        found.append(due.day)
        moment = due
    assert found == [6, 13, 20, 27, 4, 11]
    star = cron("0 12 */2 * fri").next_after(datetime(2026, 11, 1, tzinfo=UTC))
    assert star is not None and star.day == 13, "a field that begins with * restricts the other"


def test_a_time_that_never_comes_is_none() -> None:
    assert cron("0 0 31 2 *").next_after(BEGIN) is None


def test_the_latest_of_many_missed_times_is_found_at_once() -> None:
    asked = cron("* * * 2 *", ZoneInfo("Europe/Berlin"))
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    assert asked.latest(datetime(1970, 1, 1, tzinfo=UTC), now) == datetime(
        2026, 2, 28, 22, 59, tzinfo=UTC
    )


# -- an independent computation -----------------------------------------------------

WINDOW = timedelta(hours=30)
LOOK = timedelta(hours=6)
Transition = tuple[datetime, timedelta, timedelta]


def transitions(zone: ZoneInfo, years: int) -> list[Transition]:
    """Return (moment, offset before, offset after), found by looking every six hours.

    No zone has set its clock twice in that time.
    """

    def offset(moment: datetime) -> timedelta:
        found = moment.astimezone(zone).utcoffset()
        assert found is not None
        return found

    found, moment, known = [], BEGIN, offset(BEGIN)
    while moment < BEGIN + timedelta(days=years * 365):
        following = offset(moment + LOOK)
        if following != known:
            minutes = (moment + timedelta(minutes=number) for number in range(1, 361))
            found.append((next(one for one in minutes if offset(one) != known), known, following))
        moment, known = moment + LOOK, following
    return found


def values(field: str) -> set[int]:
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    if field.startswith("*"):
        return set(range(0, 60, int(field[2:] or 1)))
    if "-" in field:
        first, last = map(int, field.split("-"))
        return {*range(first, last + 1)}
    return {names.index(part) if part in names else int(part) for part in field.split(",")}


def expected(expression: str, at: datetime, before: timedelta, after: timedelta) -> list[datetime]:
    """Return the due moments in a window around a transition, in order.

    A clock is read every minute. At a gap it shows all skipped times at once; a time that it has
    shown already does not count.
    """
    fields = expression.split()
    minutes, hours, days, months, weekdays = map(values, fields)
    every_day_counts = "*" in (fields[2], fields[4])
    seen, found = set(), []
    moment = at - WINDOW
    while moment < at + WINDOW:
        shown = [(moment + (before if moment < at else after)).replace(tzinfo=None)]
        if moment == at:
            while shown[-1] > (at + before).replace(tzinfo=None):
                shown.append(shown[-1] - timedelta(minutes=1))
        new = [wall for wall in shown if wall not in seen]
        seen.update(new)
        for wall in new:
            if wall.minute not in minutes or wall.hour not in hours or wall.month not in months:
                continue
            of_day = (wall.day in days, wall.weekday() in weekdays)
            if all(of_day) if every_day_counts else any(of_day):
                found.append(moment)
                break
        moment += timedelta(minutes=1)
    return found


def assert_times_are_expected(names: Iterable[str], years: int) -> None:
    checked = set()
    for name in names:
        zone = ZoneInfo(name)
        for one in transitions(zone, years):
            if one in checked:  # By another zone with the same clock.
                continue
            checked.add(one)
            assert_window_is_expected(zone, one)


def assert_window_is_expected(zone: ZoneInfo, transition: Transition) -> None:
    for expression in EXPRESSIONS:
        due, moment = cron(expression, zone), transition[0] - WINDOW - timedelta(minutes=1)
        for one in expected(expression, *transition):
            following = due.next_after(moment)
            assert following == one, (zone, expression, str(moment), str(following), str(one))
            moment = following


@pytest.mark.parametrize("name", KNOWN)
def test_times_around_transitions_are_those_of_an_independent_computation(name: str) -> None:
    assert_times_are_expected([name], 2)


def test_times_of_other_zones_are_too() -> None:
    assert_times_are_expected(random.Random(20261129).sample(sorted(available_timezones()), 15), 1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_times_of_all_zones_are_too() -> None:
    assert_times_are_expected(sorted(available_timezones()), 10)
