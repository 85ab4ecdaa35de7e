"""Ranges as an address writes them: "now", "now-24h", "now/d", or ISO 8601."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from analytics.comparison.earlier_times import CalendarRange, calendar_ends
from contracts.errors import SettingsError

LONGEST_RANGE: Final = timedelta(days=3653)
"""Ten years."""
CALENDAR: Final = {
    ("now/d", "now"): CalendarRange.TODAY,
    ("now-1d/d", "now/d"): CalendarRange.YESTERDAY,
    ("now/w", "now"): CalendarRange.WEEK,
}
"""Ranges of the viewer's calendar, by their ends. "/d" rounds down to the day, as in Grafana."""
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2200
_AGO: Final = re.compile(r"now(?:-([0-9]{1,6})([mhdwy]))?", re.ASCII)
_UNITS: Final = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}


def parse_time(text: str, now: datetime) -> datetime | None:
    """Return the time in UTC; None if it is invalid. ISO 8601 without an offset is UTC."""
    ago = _AGO.fullmatch(text)
    try:
        if ago is not None:
            count, unit = ago.groups()
            return now - int(count) * _UNITS[unit] if count else now
        found = datetime.fromisoformat(text)
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if _FIRST_YEAR <= found.year < _LAST_YEAR else None


def range_error(since: datetime | None, until: datetime | None) -> str:
    """Return why the range cannot be shown; "" if it can."""
    if since is None or until is None:
        return "Enter a begin and an end."
    if since >= until:
        return "The begin must be before the end."
    if since.year < _FIRST_YEAR or until - since > LONGEST_RANGE:
        return "A range is ten years at most."
    return ""


def written_range(
    since: str, until: str, zone: tzinfo, now: datetime
) -> tuple[datetime, datetime, CalendarRange | None]:
    """Return begin and end in UTC, and the calendar range that they are, if any.

    zone: of calendar ranges. Raises SettingsError if the range cannot be shown.
    """
    calendar = CALENDAR.get((since, until))
    if calendar is not None:
        return *calendar_ends(calendar, zone, now), calendar
    begin, end = parse_time(since, now), parse_time(until, now)
    if begin is None or end is None:
        wrong = since if begin is None else until
        raise SettingsError(
            f"invalid time {wrong[:40]!r}",
            hint="Use now, now-24h, or ISO 8601 such as 2026-11-23T09:30:00Z",
        )
    if error := range_error(begin, end):
        raise SettingsError(f"the range {since[:40]!r} to {until[:40]!r} is invalid", hint=error)
    return begin, end, None
