"""Times and durations as they are typed on the command line."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from contracts.errors import SettingsError
from contracts.times import in_zone

_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def parse_time(text: str, option: str, zone: tzinfo) -> datetime:
    """Return an ISO 8601 time; one without an offset is in `zone`. Raises SettingsError."""
    try:
        moment = in_zone(datetime.fromisoformat(text), zone)
        moment.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise SettingsError(
            f"invalid time {text!r} for {option}",
            hint="Use ISO 8601, such as 2026-11-23T09:30:00Z",
        ) from exc
    return moment


def parse_optional_time(text: str | None, option: str, zone: tzinfo) -> datetime | None:
    """Return what `parse_time` returns; None if there is no text."""
    return parse_time(text, option, zone) if text else None


def range_line(since: datetime | None, until: datetime | None, zone: tzinfo) -> str:
    """Return a range as it was read, with its zone, as one line; "" if it has no end."""
    parts = [
        f"{word} {moment.astimezone(zone).replace(tzinfo=None).isoformat(' ')}"
        for word, moment in (("from", since), ("to", until))
        if moment is not None
    ]
    return f"Captured {' '.join(parts)} ({zone})." if parts else ""


def parse_range(
    since: str | None, until: str | None, last: str, *, zone: tzinfo, now: datetime
) -> tuple[datetime, datetime]:
    """Return the begin and the end of a range, in UTC, the end excluded.

    since, until, last: the texts of --from, --to and --last. Without `until` the range ends at
    `now`; without `since` it is `last` long. Raises SettingsError.
    """
    try:
        end = parse_time(until, "--to", zone).astimezone(UTC) if until else now
        begin = parse_time(since, "--from", zone).astimezone(UTC) if since else None
        return begin or end - parse_duration(last, "--last"), end
    except OverflowError as exc:
        raise SettingsError(
            "the time range is outside the calendar", hint="Use a shorter one: --last 7d"
        ) from exc


def parse_duration(text: str, option: str) -> timedelta:
    """Return a duration such as 30s, 10m, 24h, 7d or 2w. Raises SettingsError."""
    found = re.fullmatch(r"(\d{1,6})([smhdw])", text.strip())
    if found is None or int(found[1]) == 0:
        raise SettingsError(
            f"invalid duration {text!r} for {option}", hint="Use for example 30m, 12h or 7d"
        )
    return timedelta(seconds=int(found[1]) * _UNIT_S[found[2]])
