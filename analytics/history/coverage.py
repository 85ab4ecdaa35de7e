"""How long sources could have been seen: the time that coverage is a share of.

A recording is expected for its own length, where it lies. A camera is expected from when it was
added until it was removed, but for the time that it was paused. See docs/decisions/0019.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import Final

from sqlalchemy import Connection, func, select, tuple_
from sqlalchemy.orm import aliased

from analytics.history.source_selection import HistorySource
from contracts.live_sources import LiveState
from contracts.runs import RunKind
from contracts.times import MICROS, to_micros, utc_now
from records.tables.rollups import rollups
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source, SourceInterval
from records.windows import HOUR_S

COMPARABLE: Final = 0.6
"""What is covered less is not compared with anything, nor is a time so much shorter."""

Interval = tuple[int, int]
"""Microseconds since 1970: from, to."""


def coverage(analyzed_s: float, expected_s: float) -> float:
    """Of the expected time, what was analysed: 0..1. What was analysed unexpectedly is all."""
    if expected_s <= 0:
        return 1.0 if analyzed_s > 0 else 0.0
    return min(analyzed_s / expected_s, 1.0)


def comparable(analyzed_s: Sequence[float], expected_s: Sequence[float]) -> bool:
    """Whether times can be compared: each was covered enough, and the shortest is long enough."""
    enough = all(
        expected > 0 and coverage(analyzed, expected) >= COMPARABLE
        for analyzed, expected in zip(analyzed_s, expected_s, strict=True)
    )
    return enough and min(expected_s) >= COMPARABLE * max(expected_s)


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected time of one source, or of several: intervals, which may overlap."""

    intervals: Sequence[Interval]
    _begins: "_Sorted" = field(init=False, repr=False, compare=False)
    _ends: "_Sorted" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_begins", _Sorted.of(one[0] for one in self.intervals))
        object.__setattr__(self, "_ends", _Sorted.of(one[1] for one in self.intervals))

    def seconds(self, since: datetime, until: datetime) -> float:
        """What lies in [since, until)."""
        if since >= until:
            return 0.0
        return (self._before(to_micros(until)) - self._before(to_micros(since))) / MICROS

    def _before(self, moment: int) -> int:
        """What lies before the moment: what has begun, less what is over."""
        return self._begins.elapsed(moment) - self._ends.elapsed(moment)


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Moments in order, with the sums of the first ones: so that many steps cost little."""

    moments: Sequence[int]
    sums: Sequence[int]

    @classmethod
    def of(cls, moments: Iterable[int]) -> "_Sorted":
        ordered = sorted(moments)
        return cls(ordered, [0, *accumulate(ordered)])

    def elapsed(self, moment: int) -> int:
        """The times since each of those that have passed, added up."""
        passed = bisect_right(self.moments, moment)
        return passed * moment - self.sums[passed]


def expected_times(
    connection: Connection, chosen: Sequence[HistorySource], until: datetime
) -> Mapping[int, Sequence[Interval]]:
    """By source, when each was expected before `until`."""
    until_us = to_micros(until)
    return {
        **_of_recordings(
            connection, [one.pk for one in chosen if one.kind != RunKind.LIVE], until_us
        ),
        **_of_generated(connection, [one.pk for one in chosen if one.generated], until_us),
        **_of_cameras(connection, [one.pk for one in chosen if one.kind == RunKind.LIVE], until_us),
    }


def _of_recordings(
    connection: Connection, pks: Sequence[int], until_us: int
) -> dict[int, list[Interval]]:
    """A run's recording, from its first frame for its length. Unknown until it was opened."""
    found: dict[int, list[Interval]] = defaultdict(list)
    length_us = func.coalesce(Run.duration_us, RunProgress.last_media_time_us, 0)
    for row in connection.execute(
        select(Run.source_pk, Run.recorded_at, length_us.label("length_us"))
        .outerjoin(RunProgress, RunProgress.run_pk == Run.id)
        .where(Run.source_pk.in_(pks), Run.counted, Run.recorded_at.is_not(None))
    ):
        begin = to_micros(row.recorded_at)
        _append(found[row.source_pk], begin, min(begin + row.length_us, until_us))
    return found


def _of_generated(
    connection: Connection, pks: Sequence[int], until_us: int
) -> dict[int, list[Interval]]:
    """What was made up has no runs: all that lies between its first hour and its last."""
    if not pks:
        return {}
    begin = rollups.c.start
    query = (
        select(rollups.c.source_pk, func.min(begin), func.max(begin))
        .where(rollups.c.source_pk.in_(pks), rollups.c.width_s == HOUR_S)
        .group_by(rollups.c.source_pk)
    )
    found: dict[int, list[Interval]] = defaultdict(list)
    for source_pk, first, last in connection.execute(query):
        _append(found[source_pk], first, min(last + HOUR_S * MICROS, until_us))
    return found


def _of_cameras(
    connection: Connection, pks: Sequence[int], until_us: int
) -> dict[int, list[Interval]]:
    """From added to removed, less the pauses; of what is still to come nothing."""
    if not pks:
        return {}
    until_us = min(until_us, to_micros(utc_now()))
    pauses = _pauses(connection, pks, until_us)
    found: dict[int, list[Interval]] = defaultdict(list)
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
) -> Mapping[int, list[Interval]]:
    """In order. Where a source is paused before and after a time that nobody knows of, it was then.

    One that is paused still is so until now.
    """
    later = aliased(SourceInterval)
    # Asked for each pause: of the many other states none is read.
    after = (
        select(later.state)
        .where(later.source_pk == SourceInterval.source_pk)
        .where(tuple_(later.since, later.id) > tuple_(SourceInterval.since, SourceInterval.id))
        .order_by(later.since, later.id)
        .limit(1)
        .scalar_subquery()
    )
    still = set(connection.scalars(select(Source.id).where(Source.id.in_(pks), Source.paused)))
    found: dict[int, list[Interval]] = defaultdict(list)
    goes_on: dict[int, bool] = {}
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
        if goes_on.get(row.source_pk):
            begin = pauses.pop()[0]
        if row.after is None and row.source_pk in still:
            end = until_us
        pauses.append((begin, end))
        goes_on[row.source_pk] = row.after == LiveState.PAUSED
    return found


def _append(intervals: list[Interval], begin: int, end: int) -> None:
    if begin < end:
        intervals.append((begin, end))
