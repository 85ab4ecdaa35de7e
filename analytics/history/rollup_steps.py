"""Reads a stretch of rollups in the steps of a local clock, from as few rows as that takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from operator import add
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Select, case, cast, func, literal_column, select
from sqlalchemy.sql.elements import ColumnElement

from analytics.history.local_time import Stretch
from analytics.history.stored_windows import Clock, in_range, whole_windows
from contracts.times import MICROS
from records.tables.rollups import SUMS, rollups
from records.windows import DAY_S, window_start

Values = Sequence[int]
"""The values of SUMS, in their order."""
Found = Iterator[tuple[int, int, Values]]
"""(source_pk, step, values); source_pk is 0 for all together."""

_NOTHING: Final = (0,) * len(SUMS)
_CARRIED: Final = SUMS.index("tracks_carried")


@dataclass(frozen=True, slots=True)
class Steps:
    """The clock's steps, of these sources. Windows of width_s are stored wherever one begins."""

    source_pks: Sequence[int]
    clock: Clock
    width_s: int
    together: bool

    def read(self, connection: Connection, stretch: Stretch) -> Found:
        """What each step has. It may come in parts that are to be added."""
        since_us, until_us = stretch.since_us, stretch.until_us
        first, last = -window_start(-since_us, DAY_S), window_start(until_us, DAY_S)
        if self.clock.step_s % DAY_S or first >= last:
            yield from self._plain(connection, since_us, until_us)
            return
        yield from self._plain(connection, since_us, first)
        yield from self._whole_days(connection, first, last)
        yield from self._plain(connection, last, until_us)

    def _plain(self, connection: Connection, since_us: int, until_us: int) -> Found:
        if since_us < until_us:
            window = in_range(self.source_pks, self.width_s, since_us, until_us)
            yield from self._summed(connection, self.clock, self.clock.step(), window)

    def _whole_days(self, connection: Connection, since_us: int, until_us: int) -> Found:
        """Days of UTC, less what lies between a midnight there and the nearest one of UTC.

        That little is moved into the step that has it.
        """
        rounded = Clock(self.clock.step_s, round(self.clock.offset_s / DAY_S) * DAY_S)
        ahead_us = (self.clock.offset_s - rounded.offset_s) * MICROS
        window = in_range(self.source_pks, DAY_S, since_us, until_us)
        if self.clock.step_s > DAY_S:
            days = self._summed(connection, self.clock, rounded.step(), window)
        else:
            # By the key's own columns: nothing needs to be sorted.
            by_day = self._summed(connection, self.clock, rollups.c.start, window)
            days = ((source, rounded.step_at(start), values) for source, start, values in by_day)
        first = self.clock.first_begin(since_us)
        if not ahead_us or first >= until_us:
            yield from days
            return
        begins = range(first, until_us, self.clock.step_us)
        yield from self._with_moved(connection, days, begins, ahead_us)

    def _with_moved(
        self, connection: Connection, days: Found, begins: range, ahead_us: int
    ) -> Found:
        """Each step once: its days, and what is moved into it and out of it."""
        moved: dict[tuple[int, int], Values] = {}
        for source, step, values in self._moved(connection, begins, ahead_us):
            known = moved.get((source, step))
            moved[source, step] = values if known is None else list(map(add, known, values))
        # Into the step that begins there, out of the one before; or the other way round.
        into, out = (0, 1) if ahead_us > 0 else (1, 0)
        left = {(source, step - one) for source, step in moved for one in (into, out)}
        for source, step, values in days:
            left.discard((source, step))
            yield source, step, _shifted(values, moved, source, step + into, step + out)
        for source, step in left:
            yield source, step, _shifted(_NOTHING, moved, source, step + into, step + out)
        if ahead_us < 0:
            # What lies before a begin does not say what that begin carries on.
            for source, step, carried in self._carried(connection, begins):
                yield source, step, [carried if at == _CARRIED else 0 for at in range(len(SUMS))]

    def _summed(
        self,
        connection: Connection,
        clock: Clock,
        key: ColumnElement[int],
        window: tuple[ColumnElement[bool], ...],
    ) -> Found:
        query = select(*self._keys, key, *_sums_of(clock))
        return self._rows(connection, query.where(*window).group_by(*self._keys, key))

    def _moved(self, connection: Connection, begins: range, ahead_us: int) -> Found:
        """By the step that begins there: the sums from its begin to the nearest midnight of UTC.

        Or from that midnight, where it comes first. In between are the same few windows each time,
        so each is looked up by its key.
        """
        since, until = sorted((begins.start, begins.start + ahead_us))
        # What lies before a begin is of the step before.
        step = self.clock.step() if ahead_us > 0 else self.clock.step() + 1
        sums = _sums_of(self.clock)
        for width_s, part_since, part_until in whole_windows(since, until, self.width_s):
            into = range(part_since - begins.start, part_until - begins.start, width_s * MICROS)
            starts = [begin + offset for begin in begins for offset in into]
            query = select(*self._keys, step, *sums).where(*self._windows(width_s, starts))
            yield from self._rows(connection, query.group_by(*self._keys, step))

    def _carried(self, connection: Connection, begins: range) -> Iterator[tuple[int, int, int]]:
        """By source and step: the tracks that its first window carries on."""
        begin, carried = rollups.c.start, _sum("tracks_carried")
        query = select(*self._keys, begin, carried).where(*self._windows(self.width_s, begins))
        for source, start, (count,) in self._rows(connection, query.group_by(*self._keys, begin)):
            yield source, self.clock.step_at(start), count

    def _windows(self, width_s: int, starts: Sequence[int]) -> tuple[ColumnElement[bool], ...]:
        return (
            rollups.c.source_pk.in_(self.source_pks),
            rollups.c.width_s == width_s,
            rollups.c.start.in_(starts),
        )

    def _rows(self, connection: Connection, query: Select[*tuple[Any, ...]]) -> Found:
        for row in connection.execute(query).all():
            yield (0, row[0], row[1:]) if self.together else (row[0], row[1], row[2:])

    @property
    def _keys(self) -> list[ColumnElement[int]]:
        return [] if self.together else [rollups.c.source_pk]


def _shifted(
    values: Values, moved: dict[tuple[int, int], Values], source: int, into: int, out: int
) -> Values:
    """The values with those that are moved in, less those that are moved out.

    What a step carries on is no part of what was moved out of another.
    """
    coming, going = moved.get((source, into), _NOTHING), moved.get((source, out), _NOTHING)
    found = [one + more - less for one, more, less in zip(values, coming, going, strict=True)]
    found[_CARRIED] += going[_CARRIED]
    return found


def _sum(expression: str) -> ColumnElement[int]:
    """As an integer: PostgreSQL would answer with decimals, which take longer to read."""
    return literal_column(f"CAST(COALESCE(SUM({expression}), 0) AS BIGINT)", BigInteger)


_ADDED: Final = tuple(_sum(name) for name in SUMS)
"""Built once: building a query of so many sums takes as long as reading a hundred windows."""


@cache
def _sums_of(clock: Clock) -> tuple[ColumnElement[int], ...]:
    """All SUMS; of the carried tracks only those of the windows that begin a step."""
    carried = case((clock.begins(), rollups.c.tracks_carried), else_=0)
    total = cast(func.coalesce(func.sum(carried), 0), BigInteger)
    return tuple(
        total if name == "tracks_carried" else added
        for name, added in zip(SUMS, _ADDED, strict=True)
    )
