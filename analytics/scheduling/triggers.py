"""Triggers: the times of a job, for the scheduler and for people.

APScheduler lists every time that was missed before it runs a job once. After a clock that stepped
from 1970 these are millions: the triggers here name the first time after now instead.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from apscheduler.triggers import cron
from apscheduler.triggers.base import BaseTrigger

from contracts.times import EPOCH

_MINUTE: Final = timedelta(minutes=1)
_SECOND: Final = timedelta(seconds=1)


class JobTrigger(BaseTrigger, ABC):  # type: ignore[misc]
    """The times at which a job is due. All moments are aware; results are in UTC."""

    @abstractmethod
    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first time after the moment; None if there is none."""

    def latest(self, after: datetime, now: datetime) -> datetime | None:
        """Return the latest time in (after, now]; None if there is none.

        A binary search: its cost hardly depends on how many times were missed.
        """
        found, end = self.next_after(after), now
        if found is None or found > now:
            return None
        while (following := self.next_after(found)) is not None and following <= now:
            middle = found + (end - found) / 2
            later = self.next_after(middle)
            if later is not None and later <= now:
                found = later
            else:
                found, end = following, middle
        return found

    def count_between(self, begin: datetime, end: datetime, most: int) -> int:
        """Return the number of times between the two, without them, or `most` if it is larger."""
        found, moment = 0, self.next_after(begin)
        while moment is not None and moment < end and found < most:
            found, moment = found + 1, self.next_after(moment)
        return found

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """Return the next time, as APScheduler asks for it. Missed times are passed over."""
        return self.next_after(now if previous is None else max(previous, now))


class EveryTrigger(JobTrigger):
    """The multiples of an interval since 1970: the same times for every scheduler."""

    def __init__(self, seconds: int) -> None:
        self._step = timedelta(seconds=seconds)

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first multiple after the moment."""
        return EPOCH + ((moment - EPOCH) // self._step + 1) * self._step

    def count_between(self, begin: datetime, end: datetime, most: int) -> int:
        """Return the number of multiples between the two, without them, or `most` if larger."""
        first, last = (begin - EPOCH) // self._step + 1, -((EPOCH - end) // self._step) - 1
        return min(max(last - first + 1, 0), most)


class CronTrigger(JobTrigger):
    """The times of a cron expression on the clock of a zone.

    fields: minute, hour, day of month, month, day of week, the last as names. If neither of the
    two fields of days begins with `*`, a day needs to match one of them only, as in cron.

    Each time of the clock is due once: at its first occurrence where the clock is set back, and
    right after the gap where it is set ahead over it.
    """

    def __init__(self, fields: Sequence[str], zone: tzinfo) -> None:
        """Raises ValueError if a field is invalid."""
        minute, hour, day, month, weekday = fields
        chosen = [(day, weekday)]
        if not day.startswith("*") and not weekday.startswith("*"):
            chosen = [(day, "*"), ("*", weekday)]
        self._zone = zone
        # APScheduler matches the fields, on a clock that is never set: UTC.
        self._clocks = [
            cron.CronTrigger(
                minute=minute, hour=hour, day=day, month=month, day_of_week=weekday, timezone=UTC
            )
            for day, weekday in chosen
        ]

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first time after the moment; None if there is none."""
        local = moment.astimezone(self._zone).replace(second=0, microsecond=0, tzinfo=UTC)
        while (wall := self._next_on_clock(local)) is not None:
            due = self._first_moment(wall.replace(tzinfo=None))
            if due > moment:
                return due
            local = wall + _MINUTE
        return None

    def _next_on_clock(self, wall: datetime) -> datetime | None:
        """Return the first matching time of the clock that is not before `wall`."""
        found = [clock.get_next_fire_time(None, wall) for clock in self._clocks]
        return min((one for one in found if one is not None), default=None)

    def _first_moment(self, wall: datetime) -> datetime:
        """Return when the clock first shows `wall` or, if it never does, a later time."""
        before = wall.replace(tzinfo=self._zone, fold=0).astimezone(UTC)
        if before.astimezone(self._zone).replace(tzinfo=None) == wall:
            return before
        # In a gap: fold=1 counts with the offset after it, which gives a moment before the gap.
        first, last = wall.replace(tzinfo=self._zone, fold=1).astimezone(UTC), before
        offset = first.astimezone(self._zone).utcoffset()
        while last - first > _SECOND:
            middle = first + (last - first) // _SECOND // 2 * _SECOND
            if middle.astimezone(self._zone).utcoffset() == offset:
                first = middle
            else:
                last = middle
        return last
