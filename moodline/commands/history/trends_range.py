"""The range of `moodline trends`, and what it is compared with, as they are typed."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from analytics.comparison.earlier_times import (
    Against,
    CalendarRange,
    EarlierTime,
    calendar_ends,
    earlier_time,
    given_time,
)
from contracts.errors import SettingsError
from moodline.terminal.time_arguments import parse_range, parse_time


@dataclass(frozen=True, slots=True)
class AskedRange:
    """Begin and end in UTC. calendar: the calendar range that it is, if any."""

    since: datetime
    until: datetime
    calendar: CalendarRange | None = None


def read_range(
    since: str | None, until: str | None, last: str, zone: tzinfo, now: datetime
) -> AskedRange:
    """Return the range of --from, --to and --last. Raises SettingsError."""
    if last not in [*CalendarRange]:
        return AskedRange(*parse_range(since, until, last, zone=zone, now=now))
    if since or until:
        raise SettingsError(
            f"--last {last} cannot be used with --from or --to", hint="Use one of them"
        )
    calendar = CalendarRange(last)
    return AskedRange(*calendar_ends(calendar, zone, now), calendar)


def read_comparison(text: str, asked: AskedRange, zone: tzinfo) -> EarlierTime:
    """Return the time that --compare names. Raises SettingsError."""
    if text in {Against.PREVIOUS, Against.WEEKDAY}:
        earlier = earlier_time(asked.since, asked.until, zone, Against(text), asked.calendar)
        if earlier is not None:
            return earlier
    begin, slash, end = text.partition("/")
    if not slash:
        raise SettingsError(
            f"invalid comparison {text!r} for --compare",
            hint="Use previous, weekday, or a range such as 2026-11-01/2026-11-02",
        )
    return given_time(
        parse_time(begin, "--compare", zone), parse_time(end, "--compare", zone), zone
    )
