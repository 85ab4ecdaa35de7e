"""Job times: intervals and cron expressions, and the times at which they are due."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from analytics.scheduling.triggers import CronTrigger, EveryTrigger, JobTrigger
from contracts.errors import SettingsError

_FIELDS: Final = 5
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WEEKDAY: Final = "|".join(("[0-7]", *_WEEKDAYS))
_WEEKDAY_PART: Final = re.compile(
    rf"(?:(?P<every>\*)|(?P<first>{_WEEKDAY})(?:-(?P<last>{_WEEKDAY}))?)(?:/(?P<step>\d+))?"
)


@dataclass(frozen=True, slots=True)
class JobTimes:
    """The times at which a job is due. text: their description for people."""

    text: str
    trigger: JobTrigger

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first time after the moment, in UTC; None if there is none."""
        return self.trigger.next_after(moment)

    def latest(self, after: datetime, now: datetime) -> datetime | None:
        """Return the latest time in (after, now]; None if there is none."""
        return self.trigger.latest(after, now)

    def count_between(self, begin: datetime, end: datetime, most: int) -> int:
        """Return the number of times between the two, without them, or `most` if it is larger."""
        return self.trigger.count_between(begin, end, most)


def every(seconds: int) -> JobTimes:
    """Return the multiples of `seconds` since 1970: the same times for every scheduler."""
    return JobTimes(f"every {timedelta(seconds=seconds)}", EveryTrigger(seconds))


def cron(expression: str, zone: tzinfo = UTC) -> JobTimes:
    """Return the times of a five-field cron expression on the zone's clock.

    Raises SettingsError if the expression is invalid.
    """
    try:
        fields = expression.split()
        if len(fields) != _FIELDS:
            raise ValueError(f"it has {len(fields)} fields")
        trigger = CronTrigger([*fields[:-1], _weekday_names(fields[-1])], zone)
        return JobTimes(f"{expression} ({zone})", trigger)
    except ValueError as exc:
        raise SettingsError(
            f"{expression!r} is not a valid cron expression: {exc}",
            hint="Use five fields, for example '*/30 8-18 * * mon-fri'",
        ) from exc


def _weekday_names(field: str) -> str:
    """Replace weekday numbers by names: cron counts from Sunday, APScheduler from Monday."""
    if field == "*":
        return field
    days = [day for part in field.lower().split(",") for day in _weekdays(part)]
    return ",".join(dict.fromkeys(_WEEKDAYS[day % 7] for day in days))


def _weekdays(part: str) -> Sequence[int]:
    """Parse `*`, a day or a range, optionally with a step. Raises ValueError if it is invalid."""
    found = _WEEKDAY_PART.fullmatch(part)
    if found is None:
        raise ValueError(f"{part!r} is not a day of the week")
    step = int(found["step"] or 1)
    if not step:
        raise ValueError("the step must be at least 1")
    if found["every"]:
        return range(0, 7, step)
    first = _weekday(found["first"])
    if found["last"] is None:
        return range(first, 7 if found["step"] else first + 1, step)
    last = _weekday(found["last"])
    # A range may cross the end of the week, as in fri-mon.
    return range(first, (last if last >= first else last + 7) + 1, step)


def _weekday(text: str) -> int:
    """Return the weekday's number; 0 and 7 are both Sunday."""
    return int(text) if text.isdigit() else _WEEKDAYS.index(text)
