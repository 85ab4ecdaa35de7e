"""Moments and spans of time as people type them."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from contracts.errors import SettingsError

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def parse_moment(text: str, option: str, zone: tzinfo = UTC) -> datetime:
    """An ISO 8601 moment; without an offset it is that zone's. Raises SettingsError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise SettingsError(
            f"{option} {text!r} is no ISO 8601 moment", hint="Example: 2026-11-23T09:30:00Z"
        ) from exc
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def parse_range(
    since: str | None, until: str | None, last: str, *, zone: tzinfo, now: datetime
) -> tuple[datetime, datetime]:
    """--from and --to, or the --last so much of it, up to now; in UTC. Raises SettingsError."""
    try:
        end = parse_moment(until, "--to", zone).astimezone(UTC) if until else now
        begin = parse_moment(since, "--from", zone).astimezone(UTC) if since else None
        return begin or end - parse_span(last, "--last"), end
    except OverflowError as exc:
        raise SettingsError("the range is out of all time", hint="Example: --last 7d") from exc


def parse_span(text: str, option: str) -> timedelta:
    """A length of time as in 30s, 10m, 24h, 7d, 2w. Raises SettingsError."""
    found = re.fullmatch(r"(\d{1,6})([smhdw])", text.strip())
    if found is None or int(found[1]) == 0:
        raise SettingsError(f"{option} {text!r} is no length of time", hint="Example: 10m, 24h, 7d")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])
