"""Kept weeks: the sums of the hours of whole weeks, in memory.

The hours of a year of ten cameras are 87,600 windows, which take a database a quarter of a second
to sort and to add. Past weeks rarely change: their sums are kept, and read again when a window of
one of their days was written or removed.
"""

from array import array
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import add
from threading import Lock
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import BigInteger, Connection, Engine, func, select, type_coerce

from analytics.history.bucket_reader import Values
from analytics.history.hours_of_week.hour_sums import HOUR_SUMS, WEEK_HOURS, HourSums
from analytics.history.stored_windows import windows_in_range
from contracts.times import MICROS
from records.rollups.windows import DAY_S, window_start
from records.tables.rollups import LABEL_SUMS, rollups

MAX_WEEKS: Final = 600
"""The most that are kept: 17 MB."""
_WIDTH: Final = len(HOUR_SUMS)
_DAY_US: Final = DAY_S * MICROS

DayStates = Mapping[int, tuple[Any, ...]]
"""By day. A state changes when a window of the day is written or removed; no windows, no state."""


@dataclass(frozen=True, slots=True)
class _Week:
    """days: the states of its days. hours: those with windows. sums: HOUR_SUMS, hour by hour."""

    days: DayStates
    hours: frozenset[int]
    sums: "array[int]"


@dataclass(slots=True)
class KeptWeeks:
    """The weeks that were asked for last, by sources and clock. Threads may share it."""

    _weeks: OrderedDict[tuple[HourSums, int], _Week] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def by_hour_of_week(
        self, connection: Connection, reader: HourSums, weeks: range
    ) -> Iterator[tuple[int, Values]]:
        """Yield what the reader's `by_hour_of_week` does over these weeks, in any order.

        connection: of a snapshot.
        """
        totals: Sequence[int] = [0] * (WEEK_HOURS * _WIDTH)
        latest: dict[int, int] = {}
        for number, week in sorted(self._current(connection, reader, weeks).items()):
            if week.hours:
                totals = list(map(add, totals, week.sums))
                latest |= dict.fromkeys(week.hours, number)
        for hour, number in latest.items():
            yield number * WEEK_HOURS + hour, totals[hour * _WIDTH : (hour + 1) * _WIDTH]

    def _current(self, connection: Connection, reader: HourSums, weeks: range) -> dict[int, _Week]:
        """Return the weeks by number; those that are not kept, or have changed, are read."""
        days = _day_states(connection, reader, weeks)
        of_week = {number: _days_of(reader, number, days) for number in weeks}
        with self._lock:
            kept = {number: self._weeks.get((reader, number)) for number in weeks}
        found = {
            number: week
            for number, week in kept.items()
            if week is not None and week.days == of_week[number]
        }
        for missing in _neighbours([number for number in weeks if number not in found]):
            found |= _read(connection, reader, missing, of_week)
        with self._lock:
            for number, week in found.items():
                self._weeks[reader, number] = week
                self._weeks.move_to_end((reader, number))
            while len(self._weeks) > MAX_WEEKS:
                self._weeks.popitem(last=False)
        return found


_of_engines: WeakKeyDictionary[Engine, KeptWeeks] = WeakKeyDictionary()


def kept_weeks(engine: Engine) -> KeptWeeks:
    """Return the weeks that are kept of an engine's records."""
    return _of_engines.setdefault(engine, KeptWeeks())


def _day_states(connection: Connection, reader: HourSums, weeks: range) -> DayStates:
    """Return the states of all UTC days that the weeks touch."""
    since_us = window_start(reader.week_begin_us(weeks.start), DAY_S)
    until_us = reader.week_begin_us(weeks.stop)
    folded_at = type_coerce(rollups.c.folded_at, BigInteger)
    person_ms = sum((rollups.c[name] for name in LABEL_SUMS.values()), rollups.c.static_ms)
    counted = (rollups.c.frames, rollups.c.analyzed_ms, rollups.c.tracks_begun, person_ms)
    query = (
        select(
            rollups.c.start,
            func.count(),
            func.max(folded_at),
            *(func.sum(one) for one in (folded_at, *counted)),
        )
        .where(*windows_in_range(reader.source_pks, DAY_S, since_us, until_us))
        .group_by(rollups.c.start)
    )
    return {row[0]: tuple(row[1:]) for row in connection.execute(query)}


def _days_of(reader: HourSums, week: int, days: DayStates) -> DayStates:
    """Return the states of the days of a week; its ends may lie within days."""
    first = window_start(reader.week_begin_us(week), DAY_S)
    starts = range(first, reader.week_begin_us(week + 1), _DAY_US)
    return {start: days[start] for start in starts if start in days}


def _neighbours(weeks: Sequence[int]) -> Iterator[range]:
    """Yield the weeks as ranges without gaps."""
    begin = 0
    for at, week in enumerate(weeks, 1):
        if at == len(weeks) or weeks[at] != week + 1:
            yield range(weeks[begin], week + 1)
            begin = at


def _read(
    connection: Connection, reader: HourSums, weeks: range, days: Mapping[int, DayStates]
) -> dict[int, _Week]:
    sums = {number: array("q", bytes(8 * WEEK_HOURS * _WIDTH)) for number in weeks}
    hours: dict[int, set[int]] = {number: set() for number in weeks}
    ends = (reader.week_begin_us(weeks.start), reader.week_begin_us(weeks.stop))
    for number, values in reader.by_hour(connection, *ends):
        week, hour = divmod(number, WEEK_HOURS)
        hours[week].add(hour)
        sums[week][hour * _WIDTH : (hour + 1) * _WIDTH] = array("q", values)
    return {number: _Week(days[number], frozenset(hours[number]), sums[number]) for number in weeks}
