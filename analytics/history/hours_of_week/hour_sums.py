"""Sums of the hours of a local clock. Hours are numbered from the first Monday of 1970."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select
from sqlalchemy.sql.elements import ColumnElement

from analytics.history.bucket_reader import Values, bigint_sum
from analytics.history.stored_windows import BucketClock, windows_in_range
from contracts.times import MICROS
from records.rollups.windows import HOUR_S
from records.tables.rollups import LABEL_SUMS, LEFT_OUT_SUMS, PROBABILITY_SUMS

HOUR_SUMS: Final = (
    *LABEL_SUMS.values(),
    *PROBABILITY_SUMS.values(),
    *LEFT_OUT_SUMS,
    "frames",
    "analyzed_ms",
    "tracks_begun",
)
WEEK_HOURS: Final = 168
MONDAY_HOURS: Final = 96
"""The hours from 1970-01-01, a Thursday, to the first Monday."""
_SUMS: Final = tuple(map(bigint_sum, HOUR_SUMS))


@dataclass(frozen=True, slots=True)
class HourSums:
    """Reads HOUR_SUMS of these sources together, by hours of a clock offset_s ahead of UTC.

    width_s: of the windows of which these hours consist.
    """

    source_pks: tuple[int, ...]
    offset_s: int
    width_s: int

    def by_hour(
        self, connection: Connection, since_us: int, until_us: int
    ) -> Iterator[tuple[int, Values]]:
        """Yield the number and the sums of each hour that has windows in [since_us, until_us)."""
        hour = self._hour()
        query = select(hour, *_SUMS).where(*self._windows(since_us, until_us)).group_by(hour)
        for row in connection.execute(query):
            yield row[0], row[1:]

    def by_hour_of_week(
        self, connection: Connection, since_us: int, until_us: int
    ) -> Iterator[tuple[int, Values]]:
        """Yield the sums of all hours at one place in the week, and the number of the last."""
        hour = self._hour()
        query = select(func.max(hour), *_SUMS).where(*self._windows(since_us, until_us))
        for row in connection.execute(query.group_by(hour % WEEK_HOURS)):
            yield row[0], row[1:]

    def whole_weeks(self, since_us: int, until_us: int) -> range:
        """Return the numbers of the weeks that lie in [since_us, until_us)."""
        first = self._week_at(since_us - 1) + 1
        return range(first, max(first, self._week_at(until_us)))

    def week_begin_us(self, week: int) -> int:
        """Return when a week begins, in UTC microseconds."""
        return ((week * WEEK_HOURS + MONDAY_HOURS) * HOUR_S - self.offset_s) * MICROS

    def _week_at(self, micros: int) -> int:
        return (BucketClock(HOUR_S, self.offset_s).index_at(micros) - MONDAY_HOURS) // WEEK_HOURS

    def _hour(self) -> ColumnElement[int]:
        return BucketClock(HOUR_S, self.offset_s).index() - MONDAY_HOURS

    def _windows(self, since_us: int, until_us: int) -> tuple[ColumnElement[bool], ...]:
        return windows_in_range(self.source_pks, self.width_s, since_us, until_us)
