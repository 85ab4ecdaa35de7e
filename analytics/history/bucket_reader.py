"""The bucket reader: sums rollups into buckets of a local clock, from as few rows as possible."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from operator import add
from typing import Any, Final, TypeVar

from sqlalchemy import BigInteger, Connection, Select, case, cast, func, literal_column, select
from sqlalchemy.sql.elements import ColumnElement

from analytics.history.local_time import OffsetSpan
from analytics.history.stored_windows import BucketClock, largest_windows, windows_in_range
from contracts.times import MICROS
from records.rollups.windows import DAY_S, window_start
from records.tables.rollups import SUMS, rollups

Values = Sequence[int]
"""Sums in the order of SUMS."""
BucketSums = Iterator[tuple[int, int, Values]]
"""(source_pk, bucket index, values); source_pk is 0 if all sources are combined."""

_Key = TypeVar("_Key")

_NOTHING: Final = (0,) * len(SUMS)
_CARRIED: Final = SUMS.index("tracks_carried")


@dataclass(frozen=True, slots=True)
class BucketReader:
    """Reads buckets of these sources. width_s: a window width that divides every bucket.

    together: combine the sources.
    """

    source_pks: Sequence[int]
    clock: BucketClock
    width_s: int
    together: bool

    def read(self, connection: Connection, span: OffsetSpan) -> BucketSums:
        """Yield the sums of the buckets in the span; a bucket may come in several parts to add."""
        since_us, until_us = span.since_us, span.until_us
        first, last = -window_start(-since_us, DAY_S), window_start(until_us, DAY_S)
        if self.clock.step_s % DAY_S or first >= last:
            yield from self._by_width(connection, since_us, until_us)
            return
        yield from self._by_width(connection, since_us, first)
        yield from self._by_day(connection, first, last)
        yield from self._by_width(connection, last, until_us)

    def _by_width(self, connection: Connection, since_us: int, until_us: int) -> BucketSums:
        if since_us < until_us:
            window = windows_in_range(self.source_pks, self.width_s, since_us, until_us)
            yield from self._summed(connection, self.clock, self.clock.index(), window)

    def _by_day(self, connection: Connection, since_us: int, until_us: int) -> BucketSums:
        """Read UTC days, then move the sums between each local midnight and the nearest UTC one.

        This reads far fewer rows than windows of width_s would.
        """
        rounded = BucketClock(self.clock.step_s, round(self.clock.offset_s / DAY_S) * DAY_S)
        ahead_us = (self.clock.offset_s - rounded.offset_s) * MICROS
        window = windows_in_range(self.source_pks, DAY_S, since_us, until_us)
        if self.clock.step_s > DAY_S:
            days = self._summed(connection, self.clock, rounded.index(), window)
        else:
            # Grouped by columns of the primary key, so that the database need not sort.
            by_day = self._summed(connection, self.clock, rollups.c.start, window)
            days = ((source, rounded.index_at(start), values) for source, start, values in by_day)
        first = self.clock.first_begin(since_us)
        if not ahead_us or first >= until_us:
            yield from days
            return
        begins = range(first, until_us, self.clock.step_us)
        yield from self._with_moved(connection, days, begins, ahead_us)

    def _with_moved(
        self, connection: Connection, days: BucketSums, begins: range, ahead_us: int
    ) -> BucketSums:
        """Yield each bucket once: its days, plus the sums moved in, minus those moved out."""
        moved: dict[tuple[int, int], Values] = {}
        for source, index, values in self._moved(connection, begins, ahead_us):
            known = moved.get((source, index))
            moved[source, index] = values if known is None else list(map(add, known, values))
        # Into the bucket that begins there and out of the one before, or the reverse.
        into, out = (0, 1) if ahead_us > 0 else (1, 0)
        left = {(source, index - one) for source, index in moved for one in (into, out)}
        for source, index, values in days:
            left.discard((source, index))
            yield source, index, _shifted(values, moved, source, index + into, index + out)
        for source, index in left:
            yield source, index, _shifted(_NOTHING, moved, source, index + into, index + out)
        if ahead_us < 0:
            # Sums before a begin do not contain the tracks carried over that begin.
            for source, index, carried in self._carried(connection, begins):
                yield source, index, [carried if at == _CARRIED else 0 for at in range(len(SUMS))]

    def _summed(
        self,
        connection: Connection,
        clock: BucketClock,
        key: ColumnElement[int],
        window: tuple[ColumnElement[bool], ...],
    ) -> BucketSums:
        query = select(*self._keys, key, *_sums_of(clock))
        return self._rows(connection, query.where(*window).group_by(*self._keys, key))

    def _moved(self, connection: Connection, begins: range, ahead_us: int) -> BucketSums:
        """Yield the sums between each bucket's begin and the nearest UTC midnight.

        These are the same few windows for each bucket, so each is looked up by its key.
        """
        since, until = sorted((begins.start, begins.start + ahead_us))
        # A window before a begin lies in the bucket before.
        index = self.clock.index() if ahead_us > 0 else self.clock.index() + 1
        sums = _sums_of(self.clock)
        for width_s, part_since, part_until in largest_windows(since, until, self.width_s):
            into = range(part_since - begins.start, part_until - begins.start, width_s * MICROS)
            starts = [begin + offset for begin in begins for offset in into]
            query = select(*self._keys, index, *sums).where(*self._windows(width_s, starts))
            yield from self._rows(connection, query.group_by(*self._keys, index))

    def _carried(self, connection: Connection, begins: range) -> Iterator[tuple[int, int, int]]:
        """Yield (source_pk, bucket index, tracks carried over the bucket's begin)."""
        begin, carried = rollups.c.start, bigint_sum("tracks_carried")
        query = select(*self._keys, begin, carried).where(*self._windows(self.width_s, begins))
        for source, start, (count,) in self._rows(connection, query.group_by(*self._keys, begin)):
            yield source, self.clock.index_at(start), count

    def _windows(self, width_s: int, starts: Sequence[int]) -> tuple[ColumnElement[bool], ...]:
        return (
            rollups.c.source_pk.in_(self.source_pks),
            rollups.c.width_s == width_s,
            rollups.c.start.in_(starts),
        )

    def _rows(self, connection: Connection, query: Select[*tuple[Any, ...]]) -> BucketSums:
        for row in connection.execute(query).all():
            yield (0, row[0], row[1:]) if self.together else (row[0], row[1], row[2:])

    @property
    def _keys(self) -> list[ColumnElement[int]]:
        return [] if self.together else [rollups.c.source_pk]


def _shifted(
    values: Values, moved: dict[tuple[int, int], Values], source: int, into: int, out: int
) -> Values:
    """Return the values plus those moved in, minus those moved out.

    Carried tracks are not subtracted: they belong to the begin of the bucket they were moved to.
    """
    coming, going = moved.get((source, into), _NOTHING), moved.get((source, out), _NOTHING)
    found = [one + more - less for one, more, less in zip(values, coming, going, strict=True)]
    found[_CARRIED] += going[_CARRIED]
    return found


def bigint_sum(expression: str) -> ColumnElement[int]:
    """Sum as an integer: PostgreSQL would return decimals, which are slower to read."""
    return literal_column(f"CAST(COALESCE(SUM({expression}), 0) AS BIGINT)", BigInteger)


_ADDED: Final = tuple(bigint_sum(name) for name in SUMS)
"""Built once: building so many sums takes as long as reading a hundred windows."""


@cache
def _sums_of(clock: BucketClock) -> tuple[ColumnElement[int], ...]:
    """Return SQL for all SUMS. tracks_carried is summed only over windows that begin a bucket."""
    carried = case((clock.begins(), rollups.c.tracks_carried), else_=0)
    total = cast(func.coalesce(func.sum(carried), 0), BigInteger)
    return tuple(
        total if name == "tracks_carried" else added
        for name, added in zip(SUMS, _ADDED, strict=True)
    )


def add_values(found: dict[_Key, Values], key: _Key, values: Values) -> None:
    """Add to the values of a key. Most keys come only once: only clock changes repeat one."""
    known = found.get(key)
    found[key] = values if known is None else list(map(add, known, values))
