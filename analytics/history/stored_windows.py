"""The stored windows as queries see them: which of them, what they add up to, in which steps."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlalchemy.sql.elements import ColumnElement

from analytics.history.local_time import shift_s
from contracts.times import MICROS
from records.tables.rollups import SUMS, rollups
from records.windows import WIDTHS


@dataclass(frozen=True, slots=True)
class Clock:
    """Numbered steps of step_s on a clock offset_s ahead of UTC."""

    step_s: int
    offset_s: int

    @property
    def step_us(self) -> int:
        return self.step_s * MICROS

    def step_at(self, micros: int) -> int:
        """The step that the moment lies in."""
        return (micros + self._shift_us) // self.step_us

    def first_begin(self, since_us: int) -> int:
        """Where the first step begins that does not begin before."""
        return since_us + -(since_us + self._shift_us) % self.step_us

    def step(self) -> ColumnElement[int]:
        """The step that a row lies in."""
        return (rollups.c.start + self._shift_us - self._into_step()) // self.step_us

    def begins(self) -> ColumnElement[bool]:
        """Whether a row is the first of its step."""
        return self._into_step() == 0

    def _into_step(self) -> ColumnElement[int]:
        # Also before 1970, where `%` has the sign of what is divided.
        return ((rollups.c.start + self._shift_us) % self.step_us + self.step_us) % self.step_us

    @property
    def _shift_us(self) -> int:
        """What turns UTC into the clock's own time, on which steps begin at their multiples."""
        return (self.offset_s + shift_s(self.step_s)) * MICROS


def in_range(
    source_pks: Iterable[int],
    width_s: int,
    since_us: int | ColumnElement[Any],
    until_us: int | ColumnElement[Any],
) -> tuple[ColumnElement[bool], ...]:
    """The windows of that width that begin in [since, until)."""
    return (
        rollups.c.source_pk.in_(list(source_pks)),
        rollups.c.width_s == width_s,
        rollups.c.start >= since_us,
        rollups.c.start < until_us,
    )


def sums_of(at_begin: ColumnElement[bool]) -> Iterator[ColumnElement[int]]:
    """All SUMS; of the carried tracks only those of the windows that are `at_begin`, or NULL."""
    for name in SUMS:
        total = func.sum(rollups.c[name])
        yield (total.filter(at_begin) if name == "tracks_carried" else total).label(name)


def whole_windows(begin_us: int, end_us: int, finest: int) -> Iterator[tuple[int, int, int]]:
    """(width, since, until): the range as whole stored windows, the largest that fit."""
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
