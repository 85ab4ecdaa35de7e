"""UTC times as integer microseconds since 1970."""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC, exact. Raises ValueError for a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a time zone has no place in the records")
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """The UTC datetime of `micros` since 1970."""
    return EPOCH + timedelta(microseconds=micros)


def utc_now() -> datetime:
    """This host's clock, UTC-aware."""
    return datetime.now(UTC)


MICROS: Final = 1_000_000
