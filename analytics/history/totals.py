"""Totals: a whole range of each source, next to an earlier one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from analytics.history.bucket_reader import Values, add_values
from analytics.history.coverage import ExpectedTime, comparable, coverage, expected_times
from analytics.history.measures import NOTHING, Measures, combine, measures_from_values
from analytics.history.ranges import check_range
from analytics.history.source_selection import (
    HistorySource,
    SourceGroup,
    select_sources,
    split_series,
)
from analytics.history.stored_windows import largest_windows, window_sums, windows_in_range
from contracts.times import to_micros
from records.rollups.windows import DAY_S, MINUTE_S, QUARTER_S, window_start
from records.tables.rollups import rollups


@dataclass(frozen=True, slots=True)
class Total:
    """The whole range of a source or a group, and an earlier range, `before`."""

    source: HistorySource | SourceGroup
    now: Measures
    before: Measures
    expected_s: float
    expected_before_s: float

    @property
    def coverage(self) -> float:
        """Analysed time / expected time, 0..1."""
        return coverage(self.now.analyzed_s, self.expected_s)

    @property
    def comparable(self) -> bool:
        """Whether both ranges are covered enough to be compared."""
        return comparable(
            (self.now.analyzed_s, self.before.analyzed_s),
            (self.expected_s, self.expected_before_s),
        )


def totals(  # noqa: PLR0913
    connection: Connection,
    since: datetime,
    until: datetime,
    *,
    sources: Sequence[str] = (),
    tags: Sequence[str] = (),
    earlier: tuple[datetime, datetime] | None = None,
    within: Collection[int] | None = None,
) -> tuple[Total, ...]:
    """Return the totals of each source, those with the most person-seconds first.

    earlier: the range to compare with; by default the equally long one right before.
    within: as in `select_sources`.
    The ends of ranges above two days are rounded to quarters of an hour, others to minutes.
    Raises SettingsError if the range is invalid, and SourceNotFoundError.
    """
    check_range(since, until)
    chosen = select_sources(connection, sources, tags, within=within)
    if earlier is None:
        earlier = (since - (until - since), since)
    else:
        check_range(*earlier)
    now = _range_measures(connection, chosen, since, until)
    before = _range_measures(connection, chosen, *earlier)
    times = expected_times(connection, chosen, max(until, earlier[1]))
    lines = []
    for one in chosen:
        expected = ExpectedTime(times.get(one.pk, ()))
        lines.append(
            Total(
                one,
                now.get(one.pk, NOTHING),
                before.get(one.pk, NOTHING),
                expected.seconds(since, until),
                expected.seconds(*earlier),
            )
        )
    return tuple(sorted(lines, key=lambda line: (-line.now.total_s, line.source.name)))


def grouped_totals(
    lines: Sequence[Total],
    *,
    sources: Sequence[str] = (),
    tags: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> tuple[Total, ...]:
    """Return one total for each series that a timeline has for the same selection.

    lines: the totals of these sources and of all with these tags and groups.
    """
    by_name = {line.source.name: line for line in lines}
    selected = [line.source for line in lines if isinstance(line.source, HistorySource)]
    alone, grouped = split_series(selected, sources, tags, groups)
    return (
        *(by_name[one.name] for one in alone),
        *(_combine(one, [by_name[member.name] for member in one.sources]) for one in grouped),
    )


def _combine(group: SourceGroup, lines: Sequence[Total]) -> Total:
    return Total(
        group,
        combine(line.now for line in lines),
        combine(line.before for line in lines),
        sum(line.expected_s for line in lines),
        sum(line.expected_before_s for line in lines),
    )


def _range_measures(
    connection: Connection, chosen: Sequence[HistorySource], since: datetime, until: datetime
) -> dict[int, Measures]:
    """Return each source's measures of the range, read from as few windows as possible."""
    pks = [one.pk for one in chosen]
    found: dict[int, Values] = {}
    finest = MINUTE_S if (until - since).total_seconds() <= 2 * DAY_S else QUARTER_S
    begin_us = window_start(to_micros(since), finest)
    end_us = -window_start(-to_micros(until), finest)
    for width_s, since_us, until_us in largest_windows(begin_us, end_us, finest):
        query = (
            select(rollups.c.source_pk, *window_sums(rollups.c.start == begin_us))
            .where(*windows_in_range(pks, width_s, since_us, until_us))
            .group_by(rollups.c.source_pk)
        )
        for row in connection.execute(query):
            add_values(found, row[0], [int(one or 0) for one in row[1:]])
    return {pk: measures_from_values(values) for pk, values in found.items()}
