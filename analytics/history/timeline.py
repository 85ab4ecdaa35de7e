"""Timelines: equal buckets of a range on the viewer's clock, read from rollups.

The cost of a timeline grows with its buckets, not with its rows: a range is read in the largest
stored windows of which it consists, in at most MAX_BUCKETS buckets.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from itertools import pairwise
from typing import Final

from sqlalchemy import Connection

from analytics.history.bucket_reader import BucketReader, Values, add_values
from analytics.history.coverage import ExpectedTime, MicrosInterval, coverage, expected_times
from analytics.history.local_time import (
    OffsetSpan,
    bucket_begin,
    bucket_begins,
    offset_spans,
    stored_width,
)
from analytics.history.measures import NOTHING, Measures, measures_from_values
from analytics.history.ranges import check_range, checked_step
from analytics.history.source_selection import SourceGroup, select_sources, split_series
from analytics.history.stored_windows import BucketClock

ALL: Final = ""
"""The name of the series that combines all sources."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One step of a timeline. partial: it extends beyond the range of the question.

    expected_s: the time inside the range for which its sources were expected, in seconds.
    """

    begin: datetime
    end: datetime
    measures: Measures
    partial: bool
    expected_s: float

    @property
    def coverage(self) -> float:
        """Analysed time / expected time, 0..1."""
        return coverage(self.measures.analyzed_s, self.expected_s)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Equal buckets of a range, including empty ones.

    series: by source name, or under ALL. groups: by tag, all its sources combined.
    """

    since: datetime
    until: datetime
    step_s: int
    series: Mapping[str, tuple[Bucket, ...]]
    groups: Mapping[str, tuple[Bucket, ...]] = field(default_factory=dict)


def timeline(  # noqa: PLR0913
    connection: Connection,
    since: datetime,
    until: datetime,
    zone: tzinfo,
    *,
    sources: Sequence[str] = (),
    tags: Sequence[str] = (),
    groups: Sequence[str] = (),
    step_s: int | None = None,
    together: bool = False,
    within: Collection[int] | None = None,
) -> Timeline:
    """Return the buckets of [since, until) for each source, and for each group.

    step_s: one of STEPS; by default the finest that the range allows, coarser for many series.
    groups: tags that are one series each; with groups and neither sources nor tags, there are no
    other series. together: combine all sources into the series ALL. within: as in `select_sources`.

    Raises SettingsError if the range or the step is invalid, and SourceNotFoundError.
    """
    check_range(since, until)
    selected = select_sources(connection, sources, (*tags, *groups), within=within)
    chosen, grouped = split_series(selected, sources, tags, groups)
    count = (1 if together else len(chosen)) + len(grouped)
    step_s = checked_step(since, until, step_s, count)
    begins = bucket_begins(since, until, step_s, zone)
    reader = _TimelineReader(step_s, zone, tuple(offset_spans(begins[0], begins[-1], zone)))
    times = expected_times(connection, selected, until)

    def buckets_of(series: _Series) -> dict[str, tuple[Bucket, ...]]:
        expected = series.expected(times)
        return {
            name: tuple(_buckets(begins, sums, since, until, expected[name]))
            for name, sums in reader.read(connection, series).items()
        }

    single = _Series({one.pk: ALL if together else one.name for one in chosen}, together)
    by_group: dict[str, tuple[Bucket, ...]] = {}
    by_source = buckets_of(single)
    for group in grouped:
        by_group |= buckets_of(_Series(dict.fromkeys(_pks(group), group.name), True))
    return Timeline(since, until, step_s, by_source, by_group)


@dataclass(frozen=True, slots=True)
class _Series:
    """The series name of each source key. together: all sources belong to one series."""

    names: Mapping[int, str]
    together: bool

    def expected(self, times: Mapping[int, Sequence[MicrosInterval]]) -> dict[str, ExpectedTime]:
        """Return the expected time of each series."""
        found: dict[str, list[MicrosInterval]] = {name: [] for name in self.names.values()}
        for pk, name in self.names.items():
            found[name] += times.get(pk, ())
        return {name: ExpectedTime(intervals) for name, intervals in found.items()}


@dataclass(frozen=True, slots=True)
class _TimelineReader:
    """Reads a range in buckets of the viewer's clock. spans: the range, split by UTC offset."""

    step_s: int
    zone: tzinfo
    spans: tuple[OffsetSpan, ...]

    def read(self, connection: Connection, series: _Series) -> dict[str, dict[datetime, Values]]:
        """Return the sums of each bucket, by series and the bucket's begin."""
        width_s = stored_width(self.step_s, {span.offset_s for span in self.spans})
        found: dict[str, dict[datetime, Values]] = {name: {} for name in series.names.values()}
        for span in self.spans if found else ():
            clock = BucketClock(self.step_s, span.offset_s)
            reader = BucketReader(list(series.names), clock, width_s, series.together)
            begins_at: dict[int, datetime] = {}
            for source_pk, index, values in reader.read(connection, span):
                begin = begins_at.get(index)
                if begin is None:
                    begin = bucket_begin(index, self.step_s, span.offset_s, self.zone)
                    begins_at[index] = begin
                name = next(iter(found)) if series.together else series.names[source_pk]
                add_values(found[name], begin, values)
        return found


def _pks(group: SourceGroup) -> list[int]:
    return [one.pk for one in group.sources]


def _buckets(
    begins: Sequence[datetime],
    sums: Mapping[datetime, Values],
    since: datetime,
    until: datetime,
    expected: ExpectedTime,
) -> Iterator[Bucket]:
    for begin, end in pairwise(begins):
        partial = begin < since or end > until
        values = sums.get(begin)
        found = NOTHING if values is None else measures_from_values(values)
        yield Bucket(begin, end, found, partial, expected.seconds(begin, min(end, until)))
