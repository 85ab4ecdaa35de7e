"""Job times: intervals and cron expressions, and the times at which they are due."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from contracts.errors import SettingsError
from contracts.times import EPOCH

_TICK: Final = timedelta(microseconds=1)
_LOOK_BACK: Final = [timedelta(hours=1), *(timedelta(days=days) for days in (1, 8, 32, 367))]
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WEEKDAY: Final = "|".join(("[0-7]", *_WEEKDAYS))
_WEEKDAY_PART: Final = re.compile(
    rf"(?:(?P<every>\*)|(?P<first>{_WEEKDAY})(?:-(?P<last>{_WEEKDAY}))?)(?:/(?P<step>\d+))?"
)


@dataclass(frozen=True, slots=True)
class JobTimes:
    """The times at which a job is due. text: their description for people."""

    text: str
    trigger: BaseTrigger

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first time after the moment, in UTC; None if there is none."""
        due = self.trigger.get_next_fire_time(None, moment + _TICK)
        return None if due is None else due.astimezone(UTC)

    def latest(self, after: datetime, now: datetime) -> datetime | None:
        """Return the latest time in (after, now]; None if there is none."""
        for back in _LOOK_BACK:
            begin = max(after, now - back)
            due = self.next_after(begin)
            if due is not None and due <= now:
                while due is not None and due <= now:
                    found, due = due, self.next_after(due)
                return found
            if begin == after:
                return None
        return None


def every(seconds: int) -> JobTimes:
    """Return the multiples of `seconds` since 1970: the same times for every scheduler."""
    trigger = IntervalTrigger(seconds=seconds, start_date=EPOCH, timezone=UTC)
    return JobTimes(f"every {timedelta(seconds=seconds)}", trigger)


def cron(expression: str, zone: tzinfo = UTC) -> JobTimes:
    """Return the times of a five-field cron expression on the zone's clock.

    If day of month and day of week are both given, both must match. Raises SettingsError if the
    expression is invalid.
    """
    try:
        fields = expression.split()
        translated = " ".join([*fields[:4], *map(_weekday_names, fields[4:])])
        return JobTimes(
            f"{expression} ({zone})", CronTrigger.from_crontab(translated, timezone=zone)
        )
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
