"""Reads a stretch of rollups in the steps of a local clock, from as few rows as that takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from analytics.local_time import Stretch, shift_s
from contracts.history import DAY_S, MICROS, SUMS, rollups, window_start

Values = Sequence[Any]
"""The values of SUMS, in their order, as the database gave them."""

_DAY_US: Final = DAY_S * MICROS
_CARRIED: Final = SUMS.index("tracks_carried")


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps of step_s on a clock offset_s ahead of UTC, made of stored windows of width_s."""

    source_pks: Sequence[int]
    step_s: int
    offset_s: int
    width_s: int
    together: bool

    def read(self, connection: Connection, stretch: Stretch) -> Iterator[tuple[int, int, Values]]:
        """(source_pk, step, values); source_pk is 0 for all together. A step may come twice."""
        since_us, until_us = stretch.since_us, stretch.until_us
        first, last = -window_start(-since_us, DAY_S), window_start(until_us, DAY_S)
        if self.step_s % DAY_S or self.width_s == DAY_S or first >= last:
            yield from self._plain(connection, since_us, until_us)
            return
        yield from self._plain(connection, since_us, first)
        yield from self._whole_days(connection, first, last)
        yield from self._plain(connection, last, until_us)

    def _plain(
        self, connection: Connection, since_us: int, until_us: int
    ) -> Iterator[tuple[int, int, Values]]:
        step = self._step_of(rollups.c.start)
        begins = self._place(rollups.c.start) % (self.step_s * MICROS) == 0
        sums = [
            func.sum(rollups.c[name]).filter(begins)
            if name == "tracks_carried"
            else func.sum(rollups.c[name])
            for name in SUMS
        ]
        query = (
            select(*self._keys, step, *sums)
            .where(*self._range(self.width_s, since_us, until_us))
            .group_by(*self._keys, step)
        )
        for row in connection.execute(query):
            yield (0, row[0], row[1:]) if self.together else (row[0], row[1], row[2:])

    def _whole_days(
        self, connection: Connection, since_us: int, until_us: int
    ) -> Iterator[tuple[int, int, Values]]:
        """Days of UTC, less the hours that the local clock has in another day: they are moved."""
        last_us = 0 if self.offset_s >= 0 else _DAY_US - 1
        step = self._step_of(rollups.c.start + last_us)
        days = (
            select(*self._keys, step, *(func.sum(rollups.c[name]) for name in SUMS))
            .where(*self._range(DAY_S, since_us, until_us))
            .group_by(*self._keys, step)
        )
        for row in connection.execute(days):
            source, at, *values = (0, *row) if self.together else row
            values[_CARRIED] = 0  # Into the day of UTC; the local one's is read below.
            yield source, at, values
        for row in connection.execute(self._moved(since_us, until_us, last_us)):
            source, to, origin, *values = (0, *row) if self.together else row
            yield source, to, values
            less = [-(value or 0) for value in values]
            less[_CARRIED] = 0
            yield source, origin, less

    def _moved(self, since_us: int, until_us: int, last_us: int) -> Any:
        """The rows between midnight there and midnight of UTC: to which step, from which."""
        start = rollups.c.start
        phase = (start % _DAY_US + _DAY_US) % _DAY_US
        offset_us = self.offset_s * MICROS
        moves = phase >= _DAY_US - offset_us if offset_us >= 0 else phase < -offset_us
        begins = self._place(start) % (self.step_s * MICROS) == 0
        to, origin = self._step_of(start), self._step_of(start - phase + last_us)
        sums = [
            func.sum(rollups.c[name]).filter(begins if name == "tracks_carried" else moves)
            for name in SUMS
        ]
        return (
            select(*self._keys, to.label("to_step"), origin.label("from_step"), *sums)
            .where(*self._range(self.width_s, since_us, until_us), or_(moves, begins))
            .group_by(*self._keys, to, origin)
        )

    @property
    def _keys(self) -> list[ColumnElement[int]]:
        return [] if self.together else [rollups.c.source_pk]

    def _place(self, micros: ColumnElement[int]) -> ColumnElement[int]:
        """On the local clock, shifted so that steps begin at its multiples."""
        return micros + (self.offset_s + shift_s(self.step_s)) * MICROS

    def _step_of(self, micros: ColumnElement[int]) -> ColumnElement[int]:
        place, step_us = self._place(micros), self.step_s * MICROS
        return (place - (place % step_us + step_us) % step_us) // step_us

    def _range(self, width_s: int, since_us: int, until_us: int) -> tuple[ColumnElement[bool], ...]:
        return (
            rollups.c.source_pk.in_(self.source_pks),
            rollups.c.width_s == width_s,
            rollups.c.start >= since_us,
            rollups.c.start < until_us,
        )
