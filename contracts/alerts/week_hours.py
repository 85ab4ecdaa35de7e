"""WeekHours: the hours of the week in which a rule may warn, on the clock of a named zone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contracts.errors import AlertError

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES: Final = 24 * 60
_WEEK_MINUTES: Final = 7 * _DAY_MINUTES
_MAX_SLOTS: Final = 14
_MINUTE: Final = timedelta(minutes=1)
_SLOT: Final = re.compile(
    r"(?:(?P<days>[a-z]{3}(?:-[a-z]{3})?(?:,[a-z]{3}(?:-[a-z]{3})?)*)\s+)?"
    r"(?P<begin>\d{1,2}:\d\d)\s*-\s*(?P<end>\d{1,2}:\d\d)"
)
_HINT: Final = "For example 'mon-fri 08:00-18:00; sat 10:00-14:00'"


@dataclass(frozen=True, slots=True)
class WeekHours:
    """Hours of the week. text: the slots as they were typed; "" for always. zone: an IANA name.

    A moment is in the hours if the clock of the zone shows a time in one of them; so an hour that
    the clock shows twice is in them twice. A slot that ends before it begins ends on the next day.
    Raises AlertError if a slot or the zone is not valid.
    """

    text: str = ""
    zone: str = "UTC"

    def __post_init__(self) -> None:
        _zone(self.zone)
        _minutes(self.text)

    @classmethod
    def parse(cls, text: str, zone: str) -> Self:
        """Return the hours in a text such as `mon-fri 08:00-18:00`. Raises AlertError."""
        return cls(
            "; ".join(part.strip() for part in text.lower().split(";") if part.strip()), zone
        )

    @property
    def is_always(self) -> bool:
        """Whether there is no limit."""
        return not self.text

    @property
    def sentence(self) -> str:
        """The hours for people."""
        return f"{self.text} ({self.zone})" if self.text else "always"

    def contain(self, moment: datetime) -> bool:
        """Return whether the moment is in the hours."""
        return self.is_always or _contain(self, moment.replace(second=0, microsecond=0))

    def cover(self, begin: datetime, end: datetime) -> bool:
        """Return whether each minute of [begin, end) is in the hours; with no time, the end."""
        if self.is_always:
            return True
        moment = min(begin, end - _MINUTE)
        while moment < end:
            if not self.contain(moment):
                return False
            moment += _MINUTE
        return True

    @property
    def longest_minutes(self) -> int:
        """The length of the longest time without a break, in minutes of the clock."""
        inside = _minutes(self.text)
        if not self.text or len(inside) == _WEEK_MINUTES:
            return _WEEK_MINUTES
        longest = run = 0
        for minute in range(2 * _WEEK_MINUTES):  # Twice, for a time over the end of the week.
            run = run + 1 if minute % _WEEK_MINUTES in inside else 0
            longest = max(longest, run)
        return longest


@lru_cache(maxsize=200_000)
def _contain(hours: WeekHours, moment: datetime) -> bool:
    local = moment.astimezone(_zone(hours.zone))
    minute = local.weekday() * _DAY_MINUTES + local.hour * 60 + local.minute
    return minute in _minutes(hours.text)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise AlertError(
            "zone", f"unknown time zone {name!r}", "Use an IANA name such as Europe/Berlin"
        ) from exc


@lru_cache(maxsize=256)
def _minutes(text: str) -> frozenset[int]:
    """Return the minutes of the week, from Monday 00:00, that the slots contain."""
    slots = [part.strip() for part in text.split(";")] if text else []
    if len(slots) > _MAX_SLOTS:
        raise AlertError("hours", f"more than {_MAX_SLOTS} slots", _HINT)
    found: set[int] = set()
    for slot in slots:
        parsed = _SLOT.fullmatch(slot)
        if parsed is None:
            raise AlertError("hours", f"{slot!r} is not a slot of the week", _HINT)
        begin, end = _clock(parsed["begin"], slot), _clock(parsed["end"], slot)
        length = (end - begin) % _DAY_MINUTES or _DAY_MINUTES
        for day in _days(parsed["days"], slot):
            first = day * _DAY_MINUTES + begin
            found.update(minute % _WEEK_MINUTES for minute in range(first, first + length))
    return frozenset(found)


def _clock(text: str, slot: str) -> int:
    hour, minute = map(int, text.split(":"))
    if minute >= 60 or hour * 60 + minute > _DAY_MINUTES:
        raise AlertError("hours", f"{text} in {slot!r} is not a time of day", _HINT)
    return hour * 60 + minute


def _days(text: str | None, slot: str) -> Sequence[int]:
    """Return the numbers of days in a text such as "mon-wed,sat"; all for None."""
    if text is None:
        return range(7)
    days: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last and last not in DAYS):
            raise AlertError("hours", f"{part!r} in {slot!r} is not a day of the week", _HINT)
        begin = DAYS.index(first)
        length = (DAYS.index(last or first) - begin) % 7 + 1
        days += [(begin + number) % 7 for number in range(length)]
    return days


ALWAYS: Final = WeekHours()
