"""Times in the records: UTC, as integer microseconds since 1970."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

MICROS: Final = 1_000_000
"""Microseconds in a second."""


def to_micros(moment: datetime) -> int:
    """Return the exact microseconds since 1970 UTC. Raises ValueError for a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a time zone cannot be stored")
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """Return the UTC-aware datetime of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=micros)


def utc_now() -> datetime:
    """Return the time of this host's clock, UTC-aware."""
    return datetime.now(UTC)


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """Return the moment; if it has no offset, its clock is that of `zone`.

    This is the rule for all times that people write: MOODLINE_TIMEZONE, or the zone they name.
    """
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
