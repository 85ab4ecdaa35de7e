"""The earlier time that a range is compared with, on the viewer's clock."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from math import ceil
from typing import Final

from contracts.errors import SettingsError

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(weeks=1)


class Against(StrEnum):
    """Which earlier time a range is compared with.

    PREVIOUS: the time right before; for a day the day before, for a week the week before, up to
    the same time. WEEKDAY: the same weekdays and times, whole weeks before. NONE: not compared.
    """

    PREVIOUS = "previous"
    WEEKDAY = "weekday"
    NONE = "none"


class CalendarRange(StrEnum):
    """A range of the viewer's calendar, by its name."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK = "week"


@dataclass(frozen=True, slots=True)
class EarlierTime:
    """The time [since, until) before a range. name: as in "happier than yesterday"."""

    since: datetime
    until: datetime
    name: str


def calendar_ends(asked: CalendarRange, zone: tzinfo, now: datetime) -> tuple[datetime, datetime]:
    """Return begin and end of a calendar range in UTC; today and this week end now."""
    local = now.astimezone(zone)
    today = _midnight(local, zone, 0)
    match asked:
        case CalendarRange.TODAY:
            return min(today, now - timedelta(minutes=1)), now
        case CalendarRange.YESTERDAY:
            return _midnight(local, zone, -1), today
        case CalendarRange.WEEK:
            return min(_midnight(local, zone, -local.weekday()), now - timedelta(minutes=1)), now


def earlier_time(
    since: datetime,
    until: datetime,
    zone: tzinfo,
    against: Against,
    calendar: CalendarRange | None = None,
) -> EarlierTime | None:
    """Return the time that [since, until) is compared with; None for Against.NONE.

    calendar: the calendar range that it is, if any. Shifts are on the viewer's clock, so that a day
    is compared with a day also where one of them has 23 hours.
    """
    match against:
        case Against.NONE:
            return None
        case Against.WEEKDAY:
            weeks = max(ceil((until - since) / _WEEK), 1)
            text = "a week" if weeks == 1 else f"{weeks} weeks"
            return _shifted(since, until, zone, 7 * weeks, f"the same weekday {text} before")
        case Against.PREVIOUS:
            return _previous(since, until, zone, calendar)


def given_time(since: datetime, until: datetime, zone: tzinfo) -> EarlierTime:
    """Return any range to compare with. Raises SettingsError if it is empty."""
    if since >= until:
        raise SettingsError(
            "the range to compare with is empty", hint="Its begin must be before its end"
        )
    first, last = since.astimezone(zone), until.astimezone(zone)
    if _is_midnight(first) and _is_midnight(last):
        last -= timedelta(minutes=1)
        name = f"{first:%-d %b %Y}"
        return EarlierTime(
            since, until, name if first.date() == last.date() else f"{name} to {last:%-d %b %Y}"
        )
    end = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%-d %b %Y %H:%M}"
    return EarlierTime(since, until, f"{first:%-d %b %Y %H:%M} to {end}")


def _previous(
    since: datetime, until: datetime, zone: tzinfo, calendar: CalendarRange | None
) -> EarlierTime:
    match calendar:
        case CalendarRange.TODAY:
            return _shifted(since, until, zone, 1, "yesterday")
        case CalendarRange.YESTERDAY:
            return _shifted(since, until, zone, 1, "the day before")
        case CalendarRange.WEEK:
            return _shifted(since, until, zone, 7, "last week")
        case None:
            pass
    if _is_midnight(since.astimezone(zone)) and _is_midnight(until.astimezone(zone)):
        days = (until.astimezone(zone).date() - since.astimezone(zone).date()).days
        name = "the day before" if days == 1 else f"the {days} days before"
        return _shifted(since, until, zone, days, name)
    length = until - since
    return EarlierTime(since - length, since, f"the {_length_text(length)} before")


def _shifted(since: datetime, until: datetime, zone: tzinfo, days: int, name: str) -> EarlierTime:
    begin, end = (
        (one.astimezone(zone).replace(tzinfo=None) - days * _DAY)
        .replace(tzinfo=zone)
        .astimezone(UTC)
        for one in (since, until)
    )
    return EarlierTime(begin, max(end, begin + timedelta(minutes=1)), name)


def _midnight(local: datetime, zone: tzinfo, days: int) -> datetime:
    day = local.date() + timedelta(days=days)
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _is_midnight(local: datetime) -> bool:
    return local.time() == time()


def _length_text(length: timedelta) -> str:
    """Return a length in the largest unit that it is a whole number of, or just "time"."""
    seconds = length.total_seconds()
    for unit_s, name in ((7 * 86_400, "week"), (86_400, "day"), (3600, "hour")):
        count = round(seconds / unit_s)
        if count and abs(seconds - count * unit_s) < 1:
            return name if count == 1 else f"{count} {name}s"
    return "time"
