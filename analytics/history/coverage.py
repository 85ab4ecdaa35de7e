"""Coverage: analysed time / expected time, and the expected time of each source.

A recording is expected from its first frame for its own length. A live source is expected from when
it was added until it was removed, except while it was paused. See docs/decisions/0019.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import Final

from sqlalchemy import Connection, func, select, tuple_

from analytics.history.source_selection import HistorySource
from contracts.live_sources import LiveState
from contracts.runs import RunKind
from contracts.times import MICROS, to_micros, utc_now
from records.rollups.windows import HOUR_S
from records.tables.rollups import rollups
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source, SourceInterval

MIN_COMPARABLE: Final = 0.6
"""The least coverage, and the least ratio of expected times, at which two times are compared."""

MicrosInterval = tuple[int, int]
"""Begin and end, in microseconds since 1970."""


def coverage(analyzed_s: float, expected_s: float) -> float:
    """Return analysed / expected time, 0..1; 1 if time was analysed and none was expected."""
    if expected_s <= 0:
        return 1.0 if analyzed_s > 0 else 0.0
    return min(analyzed_s / expected_s, 1.0)


def comparable(analyzed_s: Sequence[float], expected_s: Sequence[float]) -> bool:
    """Return whether several times can be compared, from the seconds of each.

    Each must be covered enough, and the shortest expected time long enough beside the longest.
    """
    enough = all(
        expected > 0 and coverage(analyzed, expected) >= MIN_COMPARABLE
        for analyzed, expected in zip(analyzed_s, expected_s, strict=True)
    )
    return enough and min(expected_s) >= MIN_COMPARABLE * max(expected_s)


@dataclass(frozen=True, slots=True)
class ExpectedTime:
    """The expected time of one or more sources: intervals, which may overlap."""

    intervals: Sequence[MicrosInterval]
    _begins: "_SortedMoments" = field(init=False, repr=False, compare=False)
    _ends: "_SortedMoments" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_begins", _SortedMoments.of(one[0] for one in self.intervals))
        object.__setattr__(self, "_ends", _SortedMoments.of(one[1] for one in self.intervals))

    def seconds(self, since: datetime, until: datetime) -> float:
        """Return the expected seconds in [since, until); overlapping intervals all count."""
        if since >= until:
            return 0.0
        return (self._before(to_micros(until)) - self._before(to_micros(since))) / MICROS

    def _before(self, moment: int) -> int:
        """The expected microseconds before the moment: time since begins minus time since ends."""
        return self._begins.elapsed(moment) - self._ends.elapsed(moment)


@dataclass(frozen=True, slots=True)
class _SortedMoments:
    """Sorted moments with their prefix sums: each look-up is a binary search."""

    moments: Sequence[int]
    sums: Sequence[int]

    @classmethod
    def of(cls, moments: Iterable[int]) -> "_SortedMoments":
        ordered = sorted(moments)
        return cls(ordered, [0, *accumulate(ordered)])

    def elapsed(self, moment: int) -> int:
        """Return the sum of the times since each moment before `moment`."""
        passed = bisect_right(self.moments, moment)
        return passed * moment - self.sums[passed]


def expected_times(
    connection: Connection, chosen: Sequence[HistorySource], until: datetime
) -> Mapping[int, Sequence[MicrosInterval]]:
    """Return the intervals before `until` in which each source was expected, by source key."""
    until_us = to_micros(until)
    return {
        **_recording_times(
            connection, [one.pk for one in chosen if one.kind != RunKind.LIVE], until_us
        ),
        **_generated_times(connection, [one.pk for one in chosen if one.generated], until_us),
        **_live_times(connection, [one.pk for one in chosen if one.kind == RunKind.LIVE], until_us),
    }


def _recording_times(
    connection: Connection, pks: Sequence[int], until_us: int
) -> dict[int, list[MicrosInterval]]:
    """The interval of each counted run's recording; none until the recording was opened."""
    found: dict[int, list[MicrosInterval]] = defaultdict(list)
    length_us = func.coalesce(Run.duration_us, RunProgress.last_media_time_us, 0)
    for row in connection.execute(
        select(Run.source_pk, Run.recorded_at, length_us.label("length_us"))
        .outerjoin(RunProgress, RunProgress.run_pk == Run.id)
        .where(Run.source_pk.in_(pks), Run.counted, Run.recorded_at.is_not(None))
    ):
        begin = to_micros(row.recorded_at)
        _append(found[row.source_pk], begin, min(begin + row.length_us, until_us))
    return found


def _generated_times(
    connection: Connection, pks: Sequence[int], until_us: int
) -> dict[int, list[MicrosInterval]]:
    """Generated history has no runs: everything from its first hour to its last."""
    if not pks:
        return {}
    begin = rollups.c.start
    query = (
        select(rollups.c.source_pk, func.min(begin), func.max(begin))
        .where(rollups.c.source_pk.in_(pks), rollups.c.width_s == HOUR_S)
        .group_by(rollups.c.source_pk)
    )
    found: dict[int, list[MicrosInterval]] = defaultdict(list)
    for source_pk, first, last in connection.execute(query):
        _append(found[source_pk], first, min(last + HOUR_S * MICROS, until_us))
    return found


def _live_times(
    connection: Connection, pks: Sequence[int], until_us: int
) -> dict[int, list[MicrosInterval]]:
    """From when each source was added until it was removed, without pauses and future time."""
    if not pks:
        return {}
    until_us = min(until_us, to_micros(utc_now()))
    pauses = _pauses(connection, pks, until_us)
    found: dict[int, list[MicrosInterval]] = defaultdict(list)
    for row in connection.execute(
        select(Source.id, Source.created_at, Source.removed_at).where(Source.id.in_(pks))
    ):
        begin = to_micros(row.created_at)
        end = until_us if row.removed_at is None else min(to_micros(row.removed_at), until_us)
        for paused, resumed in pauses[row.id]:
            _append(found[row.id], begin, min(paused, end))
            begin = max(begin, resumed)
        _append(found[row.id], begin, end)
    return found


def _pauses(
    connection: Connection, pks: Sequence[int], until_us: int
) -> Mapping[int, list[MicrosInterval]]:
    """Return the pauses of each source, in order.

    An unknown time between two pauses counts as paused. A source that is paused now is so until
    until_us.
    """
    later = SourceInterval.__table__.alias("later").c
    # A subquery for each pause: none of the many other intervals is read.
    after = (
        select(later.state)
        .where(later.source_pk == SourceInterval.source_pk)
        .where(tuple_(later.since, later.id) > tuple_(SourceInterval.since, SourceInterval.id))
        .order_by(later.since, later.id)
        .limit(1)
        .scalar_subquery()
    )
    paused_now = set(connection.scalars(select(Source.id).where(Source.id.in_(pks), Source.paused)))
    found: dict[int, list[MicrosInterval]] = defaultdict(list)
    followed_by_pause: dict[int, bool] = {}
    for row in connection.execute(
        select(
            SourceInterval.source_pk,
            SourceInterval.since,
            SourceInterval.until,
            after.label("after"),
        )
        .where(SourceInterval.source_pk.in_(pks), SourceInterval.state == LiveState.PAUSED)
        .order_by(SourceInterval.since, SourceInterval.id)
    ):
        pauses = found[row.source_pk]
        begin, end = to_micros(row.since), to_micros(row.until)
        if followed_by_pause.get(row.source_pk):
            begin = pauses.pop()[0]
        if row.after is None and row.source_pk in paused_now:
            end = until_us
        pauses.append((begin, end))
        followed_by_pause[row.source_pk] = row.after == LiveState.PAUSED
    return found


def _append(intervals: list[MicrosInterval], begin: int, end: int) -> None:
    if begin < end:
        intervals.append((begin, end))
