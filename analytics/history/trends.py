"""History's questions, answered from rollups: the read API of the dashboard and the command line.

The cost of an answer grows with what it shows: a range is read in the largest stored windows that
it is made of, and in at most MOST_BUCKETS steps.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from operator import add
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine, func, select

from analytics.history.coverage import Expected, Interval, comparable, coverage, expected_times
from analytics.history.local_time import (
    MOST_BUCKETS,
    STEPS,
    Stretch,
    auto_step,
    bucket_begin,
    bucket_begins,
    stored_width,
    stretches,
)
from analytics.history.measures import Measures, combined, measures, of_values
from analytics.history.rollup_steps import Steps, Values
from analytics.history.source_selection import HistorySource, SourceGroup, select_sources, series_of
from analytics.history.stored_windows import Clock, in_range, sums_of, whole_windows
from analytics.snapshots import snapshot
from contracts.errors import SettingsError
from contracts.times import to_micros
from records.tables.rollups import LABEL_SUMS, rollups
from records.windows import DAY_S, HOUR_S, MINUTE_S, QUARTER_S, window_start

ALL: Final = ""
"""The name of the series that has all sources together."""
_WEEK_HOURS: Final = 168
_MONDAY_HOURS: Final = 96
LONGEST_HEAT_MAP: Final = timedelta(days=400)
_FIRST_YEAR: Final = 1900
_END_YEAR: Final = 2200
_NOTHING: Final = measures({})

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Bucket:
    """One step of a timeline. partial: it reaches beyond the range that was asked for.

    expected_s: how long its sources could have been seen, as far as the range goes.
    """

    begin: datetime
    end: datetime
    measures: Measures
    partial: bool
    expected_s: float

    @property
    def coverage(self) -> float:
        """Of the expected time, what was analysed: 0..1."""
        return coverage(self.measures.analyzed_s, self.expected_s)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Equal steps of a range, for each source, or for ALL together. A gap is a bucket, too.

    groups: by tag, all its sources together.
    """

    since: datetime
    until: datetime
    step_s: int
    series: Mapping[str, tuple[Bucket, ...]]
    groups: Mapping[str, tuple[Bucket, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Total:
    """The whole range of a source, or of a group, and the same length of time before it."""

    source: HistorySource | SourceGroup
    now: Measures
    before: Measures
    expected_s: float
    expected_before_s: float

    @property
    def coverage(self) -> float:
        """Of the expected time, what was analysed: 0..1."""
        return coverage(self.now.analyzed_s, self.expected_s)

    @property
    def comparable(self) -> bool:
        """Whether both times were seen well enough to say what changed."""
        return comparable(
            (self.now.analyzed_s, self.before.analyzed_s),
            (self.expected_s, self.expected_before_s),
        )


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One hour of the week on the viewer's clock, over all weeks of the range.

    weekday: 0 is Monday.
    """

    weekday: int
    hour: int
    measures: Measures


def timeline(  # noqa: PLR0913
    engine: Engine,
    since: datetime,
    until: datetime,
    zone: tzinfo,
    *,
    sources: Sequence[str] = (),
    tags: Sequence[str] = (),
    groups: Sequence[str] = (),
    step_s: int | None = None,
    together: bool = False,
) -> Timeline:
    """How expressions moved. step_s: one of STEPS; by default the finest that the range allows,
    coarser where many sources are shown apart. groups: tags that are a series each; with groups
    alone there are no others.

    Raises SettingsError for a range that is empty or a step too fine, SourceNotFoundError.
    """
    _check_range(since, until)
    with snapshot(engine) as connection:
        selected = select_sources(connection, sources, (*tags, *groups))
        chosen, grouped = series_of(selected, sources, tags, groups)
        series = (1 if together else len(chosen)) + len(grouped)
        step_s = _checked_step(since, until, step_s, series)
        begins = bucket_begins(since, until, step_s, zone)
        clock = _StepsOnAClock(step_s, zone, tuple(stretches(begins[0], begins[-1], zone)))
        times = expected_times(connection, selected, until)
        plain = _Series({one.pk: ALL if together else one.name for one in chosen}, together)
        apart = [_Series(dict.fromkeys(_pks(one), one.name), True) for one in grouped]
        found: list[dict[str, tuple[Bucket, ...]]] = []
        for one in (plain, *apart):
            sums = clock.read(connection, one)
            expected = one.expected(times)
            found.append(
                {
                    name: tuple(_buckets(begins, steps, since, until, expected[name]))
                    for name, steps in sums.items()
                }
            )
    return Timeline(
        since,
        until,
        step_s,
        found[0],
        {name: steps for one in found[1:] for name, steps in one.items()},
    )


@dataclass(frozen=True, slots=True)
class _Series:
    """By source, which series it is of. together: all are of one."""

    names: Mapping[int, str]
    together: bool

    def expected(self, times: Mapping[int, Sequence[Interval]]) -> dict[str, Expected]:
        """By series, how long its sources could have been seen."""
        found: dict[str, list[Interval]] = {name: [] for name in self.names.values()}
        for pk, name in self.names.items():
            found[name] += times.get(pk, ())
        return {name: Expected(intervals) for name, intervals in found.items()}


@dataclass(frozen=True, slots=True)
class _StepsOnAClock:
    """A range's steps on the viewer's clock, in stretches of one offset each."""

    step_s: int
    zone: tzinfo
    pieces: tuple[Stretch, ...]

    def read(self, connection: Connection, series: _Series) -> dict[str, dict[datetime, Values]]:
        """By series and begin, what each step has."""
        width_s = stored_width(self.step_s, {piece.offset_s for piece in self.pieces})
        found: dict[str, dict[datetime, Values]] = {name: {} for name in series.names.values()}
        for piece in self.pieces if found else ():
            clock = Clock(self.step_s, piece.offset_s)
            steps = Steps(list(series.names), clock, width_s, series.together)
            begins_at: dict[int, datetime] = {}
            for source_pk, step, values in steps.read(connection, piece):
                begin = begins_at.get(step)
                if begin is None:
                    begin = bucket_begin(step, self.step_s, piece.offset_s, self.zone)
                    begins_at[step] = begin
                name = next(iter(found)) if series.together else series.names[source_pk]
                _add(found[name], begin, values)
        return found


def _pks(group: SourceGroup) -> list[int]:
    return [one.pk for one in group.sources]


def totals(
    engine: Engine,
    since: datetime,
    until: datetime,
    *,
    sources: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> tuple[Total, ...]:
    """Each source's whole range, the busiest first, beside the same length of time before it.

    Ranges of more than two days are read to the quarter of an hour, others to the minute.
    """
    _check_range(since, until)
    with snapshot(engine) as connection:
        chosen = select_sources(connection, sources, tags)
        now = _totals(connection, chosen, since, until)
        earlier = since - (until - since)
        before = _totals(connection, chosen, earlier, since)
        expected = _Series({one.pk: one.name for one in chosen}, False).expected(
            expected_times(connection, chosen, until)
        )
    lines = [
        Total(
            one,
            now.get(one.pk, _NOTHING),
            before.get(one.pk, _NOTHING),
            expected[one.name].seconds(since, until),
            expected[one.name].seconds(earlier, since),
        )
        for one in chosen
    ]
    return tuple(sorted(lines, key=lambda line: (-line.now.total_s, line.source.name)))


def grouped_totals(
    lines: Sequence[Total],
    *,
    sources: Sequence[str] = (),
    tags: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> tuple[Total, ...]:
    """Of the totals of these sources and of all with these tags and groups, a line a series.

    As a timeline has them: with groups alone there are no others.
    """
    by_name = {line.source.name: line for line in lines}
    selected = [line.source for line in lines if isinstance(line.source, HistorySource)]
    alone, grouped = series_of(selected, sources, tags, groups)
    return (
        *(by_name[one.name] for one in alone),
        *(_together(one, [by_name[member.name] for member in one.sources]) for one in grouped),
    )


def _together(group: SourceGroup, lines: Sequence[Total]) -> Total:
    return Total(
        group,
        combined(line.now for line in lines),
        combined(line.before for line in lines),
        sum(line.expected_s for line in lines),
        sum(line.expected_before_s for line in lines),
    )


def heat_map(  # noqa: PLR0913
    engine: Engine,
    since: datetime,
    until: datetime,
    zone: tzinfo,
    *,
    sources: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> tuple[HeatCell, ...]:
    """The hours of the week that have something, on the viewer's clock, all sources together.

    Raises SettingsError for more than 400 days.
    """
    _check_range(since, until)
    if until - since > LONGEST_HEAT_MAP:
        raise SettingsError("a heat map shows 400 days at most", hint="Choose a shorter range")
    pieces = list(stretches(since, until, zone))
    width_s = stored_width(HOUR_S, {piece.offset_s for piece in pieces})
    cells: dict[int, Values] = {}
    with snapshot(engine) as connection:
        names = {one.pk: one.name for one in select_sources(connection, sources, tags)}
        for piece in pieces:
            step = Clock(HOUR_S, piece.offset_s).step()
            hour = (step - _MONDAY_HOURS) % _WEEK_HOURS
            query = (
                select(
                    hour.label("hour"),
                    *(func.sum(rollups.c[name]).label(name) for name in _HEAT_SUMS),
                )
                .where(*in_range(names, width_s, piece.since_us, piece.until_us))
                .group_by(hour)
            )
            for row in connection.execute(query):
                # Before 1970 the remainder is negative.
                _add(cells, row[0] % _WEEK_HOURS, row[1:])
    return tuple(
        HeatCell(hour // 24, hour % 24, measures(dict(zip(_HEAT_SUMS, sums, strict=True))))
        for hour, sums in sorted(cells.items())
    )


_HEAT_SUMS: Final = (*LABEL_SUMS.values(), "frames", "analyzed_ms", "tracks_begun")


def _checked_step(since: datetime, until: datetime, step_s: int | None, series: int) -> int:
    finest = auto_step(since, until)
    if step_s is None:
        return auto_step(since, until, series)
    if step_s not in STEPS:
        raise SettingsError(
            f"no step of {step_s} s", hint=f"Use one of {', '.join(map(str, STEPS))}"
        )
    if (until - since).total_seconds() / step_s > MOST_BUCKETS:
        raise SettingsError(
            f"steps of {step_s} s are too fine for that range", hint=f"Use {finest} s or more"
        )
    return step_s


def _check_range(since: datetime, until: datetime) -> None:
    if since.year < _FIRST_YEAR or until.year >= _END_YEAR:
        raise SettingsError(
            "the range is out of all time",
            hint=f"It lies between the years {_FIRST_YEAR} and {_END_YEAR}",
        )
    if since >= until:
        raise SettingsError("the range is empty", hint="Its begin comes before its end")
    if (until - since).total_seconds() > STEPS[-1] * MOST_BUCKETS:
        raise SettingsError("the range is too long", hint="Choose 30 years at most")


def _add(found: dict[_Key, Values], key: _Key, values: Values) -> None:
    """One key seldom comes twice: where the clocks change."""
    known = found.get(key)
    if known is None:
        found[key] = values
    else:
        found[key] = list(map(add, known, values))


def _buckets(
    begins: Sequence[datetime],
    sums: Mapping[datetime, Values],
    since: datetime,
    until: datetime,
    expected: Expected,
) -> Iterator[Bucket]:
    for begin, end in pairwise(begins):
        partial = begin < since or end > until
        values = sums.get(begin)
        found = _NOTHING if values is None else of_values(values)
        yield Bucket(begin, end, found, partial, expected.seconds(begin, min(end, until)))


def _totals(
    connection: Connection, chosen: Sequence[HistorySource], since: datetime, until: datetime
) -> dict[int, Measures]:
    """The range, from as few and as large windows as it is made of."""
    pks = [one.pk for one in chosen]
    found: dict[int, Values] = {}
    finest = MINUTE_S if (until - since).total_seconds() <= 2 * DAY_S else QUARTER_S
    begin_us = window_start(to_micros(since), finest)
    end_us = -window_start(-to_micros(until), finest)
    for width_s, since_us, until_us in whole_windows(begin_us, end_us, finest):
        query = (
            select(rollups.c.source_pk, *sums_of(rollups.c.start == begin_us))
            .where(*in_range(pks, width_s, since_us, until_us))
            .group_by(rollups.c.source_pk)
        )
        for row in connection.execute(query):
            _add(found, row[0], [int(one or 0) for one in row[1:]])
    return {pk: of_values(values) for pk, values in found.items()}
