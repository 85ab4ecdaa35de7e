"""Reads a stretch of rollups in the steps of a local clock, from as few rows as that takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import neg
from typing import Any, Final

from sqlalchemy import (
    CTE,
    BigInteger,
    Connection,
    Select,
    cast,
    func,
    literal,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement

from analytics.local_time import Stretch
from analytics.stored_windows import Clock, in_range, sums_of, whole_windows
from contracts.history import DAY_S, MICROS, SUMS, rollups, window_start

Values = Sequence[int]
"""The values of SUMS, in their order."""
Found = Iterator[tuple[int, int, Values]]
"""(source_pk, step, values); source_pk is 0 for all together."""

_CARRIED: Final = SUMS.index("tracks_carried")
_ZERO: Final[ColumnElement[int]] = literal_column("0", BigInteger)


@dataclass(frozen=True, slots=True)
class Steps:
    """The clock's steps, of these sources. Windows of width_s are stored wherever one begins."""

    source_pks: Sequence[int]
    clock: Clock
    width_s: int
    together: bool

    def read(self, connection: Connection, stretch: Stretch) -> Found:
        """What each step has. It may come in parts that are to be added, some of them negative."""
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
            yield from self._summed(connection, self.clock, rounded.step(), window)
        else:
            # By the key's own columns: nothing needs to be sorted.
            for source, start, values in self._summed(
                connection, self.clock, rollups.c.start, window
            ):
                yield source, rounded.step_at(start), values
        first = self.clock.first_begin(since_us)
        if not ahead_us or first >= until_us:
            return
        for source, begin, values in self._moved(connection, first, until_us, ahead_us):
            step = self.clock.step_at(begin)
            carried = [0] * len(SUMS)
            carried[_CARRIED], moved = values[_CARRIED], [*values]
            moved[_CARRIED] = 0
            to, origin = (step, step - 1) if ahead_us > 0 else (step - 1, step)
            yield source, step, carried
            yield source, to, moved
            yield source, origin, list(map(neg, moved))

    def _summed(
        self,
        connection: Connection,
        clock: Clock,
        key: ColumnElement[int],
        window: tuple[ColumnElement[bool], ...],
    ) -> Found:
        query = select(*self._keys, key, *_integers(sums_of(clock.begins())))
        return self._rows(connection, query.where(*window).group_by(*self._keys, key))

    def _moved(self, connection: Connection, first: int, until_us: int, ahead_us: int) -> Found:
        """By the begin of a step: the sums from there to the nearest midnight of UTC.

        Or from that midnight, where it comes first. In between are the same few windows each time,
        so each is looked up. The carried tracks are those of the step.
        """
        begins = select(literal(first, BigInteger).label("begin")).cte("begins", recursive=True)
        later = begins.c.begin + self.clock.step_us
        begins = begins.union_all(select(later).where(later < until_us))
        since, until = sorted((first, first + ahead_us))
        parts = [
            self._part(begins, width_s, (part_since - first, part_until - first), moved=True)
            for width_s, part_since, part_until in whole_windows(since, until, self.width_s)
        ]
        parts.append(self._part(begins, self.width_s, (0, self.width_s * MICROS), moved=False))
        found = union_all(*parts).subquery()
        keys = [] if self.together else [found.c.source_pk]
        query = select(
            *keys, found.c.begin, *_integers(func.sum(found.c[name]) for name in SUMS)
        ).group_by(*keys, found.c.begin)
        return self._rows(connection, query)

    def _part(
        self, begins: CTE, width_s: int, span_us: tuple[int, int], *, moved: bool
    ) -> Select[*tuple[Any, ...]]:
        """The windows that lie there from each begin. moved: all sums but the carried tracks."""
        begin, (since_us, until_us) = begins.c.begin, span_us
        window = in_range(self.source_pks, width_s, begin + since_us, begin + until_us)
        sums = [
            rollups.c[name] if (name != "tracks_carried") == moved else _ZERO.label(name)
            for name in SUMS
        ]
        joined = begins.join(rollups, true())
        return select(rollups.c.source_pk, begin, *sums).select_from(joined).where(*window)

    def _rows(self, connection: Connection, query: Select[*tuple[Any, ...]]) -> Found:
        for row in connection.execute(query):
            yield (0, row[0], row[1:]) if self.together else (row[0], row[1], row[2:])

    @property
    def _keys(self) -> list[ColumnElement[int]]:
        return [] if self.together else [rollups.c.source_pk]


def _integers(sums: Iterator[ColumnElement[int]]) -> Iterator[ColumnElement[int]]:
    """As integers: PostgreSQL would answer with decimals, which take longer to read than to add."""
    return (cast(func.coalesce(one, 0), BigInteger).label(None) for one in sums)
