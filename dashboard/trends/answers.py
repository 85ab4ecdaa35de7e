"""The answer to a view: what the read API of analytics returns for it, ready to be shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from math import ceil
from typing import Final

from sqlalchemy import Connection

from analytics.history.coverage import comparable
from analytics.history.local_time import WEEK_S
from analytics.history.measures import Measures, combine
from analytics.history.source_selection import HistorySource, SourceGroup, history_sources
from analytics.history.timeline import Bucket, Timeline, timeline
from analytics.history.totals import Total, grouped_totals, totals
from contracts.errors import SourceNotFoundError
from dashboard.trends.charts.gaps import common_gaps, longest_gap_s
from dashboard.trends.sentences import ChartFacts, sentence
from dashboard.trends.view import LONGEST_RANGE, Mode, View

MAX_CHARTS: Final = 6
"""With more series than that, one chart shows all sources together."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: a source, a tag, or all sources together.

    before: for each bucket the measures of whole weeks before, at the same weekday and time; ()
    if the view does not compare, or if either time was covered too little.
    """

    name: str
    buckets: tuple[Bucket, ...]
    facts: ChartFacts
    before: tuple[Measures | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a view. lead: the sentence about all of it.

    lines: each source of the view once. rows: one line a series, which may have several sources.
    notes: requested parts that are not shown. weeks_before: the age of `Chart.before` in weeks.
    """

    since: datetime
    until: datetime
    step_s: int
    lines: tuple[Total, ...]
    rows: tuple[Total, ...]
    charts: tuple[Chart, ...]
    everything: Measures
    lead: str
    notes: tuple[str, ...]
    weeks_before: int = 0


@dataclass(frozen=True, slots=True)
class _Series:
    """The series of the timeline: each source and tag, or all of them together."""

    choice: "Choice"
    together: bool

    def timeline(
        self,
        connection: Connection,
        span: tuple[datetime, datetime],
        zone: tzinfo,
        step_s: int | None = None,
    ) -> Timeline:
        names, tags = self.choice.names, self.choice.tags
        if self.together:
            return timeline(
                connection, *span, zone, step_s=step_s, sources=names, tags=tags, together=True
            )
        return timeline(connection, *span, zone, step_s=step_s, sources=names, groups=tags)


def answer(connection: Connection, view: View, zone: tzinfo, now: datetime) -> Answer:
    """Ask the read API. Raises MoodlineError."""
    since, until = view.span(now)
    chosen = choose(history_sources(connection), view)
    lines = totals(connection, since, until, sources=chosen.names, tags=chosen.tags)
    rows = grouped_totals(lines, sources=chosen.names, groups=chosen.tags)
    series = _Series(chosen, together=len(rows) > MAX_CHARTS)
    found = series.timeline(connection, (since, until), zone)
    facts = _facts_of_all(lines, found)
    if series.together:
        charts = [Chart(facts.name, _in_order(found)[0], facts)]
    else:
        charts = [
            _chart(line, buckets, found)
            for line, buckets in zip(sorted(rows, key=_order), _in_order(found), strict=True)
        ]
    weeks = 0
    if view.mode is Mode.LINES:
        weeks = _weeks_before(found)
        shift = timedelta(weeks=weeks)
        span = (found.since - shift, found.until - shift)
        older = series.timeline(connection, span, zone, found.step_s)
        charts = [
            _compared(chart, earlier, shift, zone)
            for chart, earlier in zip(charts, _in_order(older), strict=True)
        ]
    return Answer(
        since,
        until,
        found.step_s,
        lines,
        rows,
        tuple(charts),
        facts.now,
        sentence(charts[0].facts if len(charts) == 1 else facts),
        chosen.notes,
        weeks,
    )


def has_history(connection: Connection, now: datetime) -> bool:
    """Return whether the longest range that can be shown has any analysed frame."""
    later = now + timedelta(days=1)
    return any(line.now.frames for line in totals(connection, later - LONGEST_RANGE, later))


def _facts_of_all(lines: Sequence[Total], found: Timeline) -> ChartFacts:
    return ChartFacts(
        _together_name([line.source for line in lines]),
        combine(line.now for line in lines),
        combine(line.before for line in lines),
        sum(line.expected_s for line in lines),
        sum(line.expected_before_s for line in lines),
        longest_gap_s(common_gaps(_in_order(found)), found.since, found.until),
        found.step_s,
    )


def _chart(line: Total, buckets: tuple[Bucket, ...], found: Timeline) -> Chart:
    facts = ChartFacts(
        line.source.display_name,
        line.now,
        line.before,
        line.expected_s,
        line.expected_before_s,
        longest_gap_s(buckets, found.since, found.until),
        found.step_s,
    )
    return Chart(line.source.display_name, buckets, facts)


def _weeks_before(found: Timeline) -> int:
    """Return the fewest whole weeks that are not shorter than the range, in whole steps."""
    span_s = (found.until - found.since).total_seconds()
    unit_s = max(WEEK_S, found.step_s)
    return ceil(span_s / unit_s) * unit_s // WEEK_S


def _compared(chart: Chart, earlier: Sequence[Bucket], shift: timedelta, zone: tzinfo) -> Chart:
    """Return the chart with the measures of the earlier buckets, if both are covered enough."""
    by_time = {_local(one, zone) + shift: one.measures for one in earlier}
    before = tuple(by_time.get(_local(one, zone)) for one in chart.buckets)
    both = (chart.buckets, earlier)
    enough = comparable(
        [sum(one.measures.analyzed_s for one in buckets) for buckets in both],
        [sum(one.expected_s for one in buckets) for buckets in both],
    )
    return replace(chart, before=before if enough else ())


def _local(bucket: Bucket, zone: tzinfo) -> datetime:
    """Return the begin of a bucket as a local time without an offset."""
    return bucket.begin.astimezone(zone).replace(tzinfo=None)


def _in_order(found: Timeline) -> list[tuple[Bucket, ...]]:
    """Return the series in the order of the charts: sources by name, then tags."""
    return [
        buckets for series in (found.series, found.groups) for _, buckets in sorted(series.items())
    ]


def _order(line: Total) -> tuple[bool, str]:
    return isinstance(line.source, SourceGroup), line.source.name


def _together_name(sources: Sequence[HistorySource | SourceGroup]) -> str:
    """Name a sum of sources. The name shows whether it includes generated history."""
    generated = sum(one.generated for one in sources)
    text = f"{len(sources)} sources together"
    if not generated:
        return text
    return f"{text} ({'all' if generated == len(sources) else generated} generated, not measured)"


@dataclass(frozen=True, slots=True)
class Choice:
    """The existing sources and tags of a view, and a note on the missing ones."""

    names: tuple[str, ...]
    tags: tuple[str, ...]
    notes: tuple[str, ...]


def choose(known: Sequence[HistorySource], view: View) -> Choice:
    """Return the view's sources and tags that exist. If none do, the view is of all sources."""
    all_names, all_tags = {one.name for one in known}, {tag for one in known for tag in one.tags}
    names = tuple(name for name in view.sources if name in all_names)
    tags = tuple(tag for tag in view.tags if tag in all_tags)
    missing = [f"source “{name[:40]}”" for name in view.sources if name not in all_names]
    missing += [f"tag “{tag[:40]}”" for tag in view.tags if tag not in all_tags]
    if not missing:
        return Choice(names, tags, ())
    others = f", and {len(missing) - 1} more are missing" if len(missing) > 1 else ""
    error = SourceNotFoundError(
        f"There is no {missing[0]}{others}",
        hint="Showing the others." if names or tags else "Showing all sources.",
    )
    return Choice(names, tags, (error.line(),))
