"""Moments and spans of time as people type them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from contracts.errors import SettingsError

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def parse_moment(text: str, option: str) -> datetime:
    """An ISO 8601 moment; without a zone it is UTC. Raises SettingsError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise SettingsError(
            f"{option} {text!r} is no ISO 8601 moment", hint="Example: 2026-11-23T09:30:00Z"
        ) from exc
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_span(text: str, option: str) -> timedelta:
    """A length of time as in 30s, 10m, 24h, 7d, 2w. Raises SettingsError."""
    found = re.fullmatch(r"(\d{1,6})([smhdw])", text.strip())
    if found is None or int(found[1]) == 0:
        raise SettingsError(f"{option} {text!r} is no length of time", hint="Example: 10m, 24h, 7d")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])
