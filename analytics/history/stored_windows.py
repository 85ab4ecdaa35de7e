"""Stored windows in SQL: their selection, their sums, and the buckets that they lie in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlalchemy.sql.elements import ColumnElement

from analytics.history.local_time import week_shift_s
from contracts.times import MICROS
from records.rollups.windows import WIDTHS
from records.tables.rollups import SUMS, rollups


@dataclass(frozen=True, slots=True)
class BucketClock:
    """Numbered buckets of step_s seconds on a clock that is offset_s ahead of UTC."""

    step_s: int
    offset_s: int

    @property
    def step_us(self) -> int:
        """The bucket width in microseconds."""
        return self.step_s * MICROS

    def index_at(self, micros: int) -> int:
        """Return the index of the bucket that the moment lies in."""
        return (micros + self._shift_us) // self.step_us

    def first_begin(self, since_us: int) -> int:
        """Return the begin of the first bucket that begins at or after since_us."""
        return since_us + -(since_us + self._shift_us) % self.step_us

    def index(self) -> ColumnElement[int]:
        """The index of the bucket that a rollup row lies in, as SQL."""
        return (rollups.c.start + self._shift_us - self._offset_in_bucket()) // self.step_us

    def begins(self) -> ColumnElement[bool]:
        """Whether a rollup row begins its bucket, as SQL."""
        return self._offset_in_bucket() == 0

    def _offset_in_bucket(self) -> ColumnElement[int]:
        # Twice `%`: before 1970 it is negative in SQL.
        return ((rollups.c.start + self._shift_us) % self.step_us + self.step_us) % self.step_us

    @property
    def _shift_us(self) -> int:
        """The difference from UTC to a time in which buckets begin at multiples of step_us."""
        return (self.offset_s + week_shift_s(self.step_s)) * MICROS


def windows_in_range(
    source_pks: Iterable[int],
    width_s: int,
    since_us: int | ColumnElement[Any],
    until_us: int | ColumnElement[Any],
) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for windows of one width that begin in [since, until)."""
    return (
        rollups.c.source_pk.in_(list(source_pks)),
        rollups.c.width_s == width_s,
        rollups.c.start >= since_us,
        rollups.c.start < until_us,
    )


def window_sums(at_begin: ColumnElement[bool]) -> Iterator[ColumnElement[int]]:
    """Yield SQL for all SUMS. tracks_carried is summed only over windows that are `at_begin`."""
    for name in SUMS:
        total = func.sum(rollups.c[name])
        yield (total.filter(at_begin) if name == "tracks_carried" else total).label(name)


def largest_windows(begin_us: int, end_us: int, finest: int) -> Iterator[tuple[int, int, int]]:
    """Split a range into the largest stored windows; yield (width_s, since_us, until_us)."""
    widths = [width for width in WIDTHS if width >= finest]
    while begin_us < end_us:
        fitting = [
            width
            for width in widths
            if begin_us % (width * MICROS) == 0 and begin_us + width * MICROS <= end_us
        ]
        width_us = max(fitting) * MICROS
        until_us = begin_us
        larger = next((width * MICROS for width in widths if width * MICROS > width_us), None)
        while until_us + width_us <= end_us and (
            larger is None
            or until_us == begin_us
            or until_us % larger
            or until_us + larger > end_us
        ):
            until_us += width_us
        yield width_us // MICROS, begin_us, until_us
        begin_us = until_us
