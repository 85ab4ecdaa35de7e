"""The answer to a view: what the read API of analytics returns for it, ready to be shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Final

from sqlalchemy import Connection

from analytics.comparison.earlier_times import EarlierTime
from analytics.comparison.verdict import Verdict, verdict_on
from analytics.history.coverage import comparable
from analytics.history.extent import fitted_range, last_analysed, latest_range
from analytics.history.measures import NOTHING, Measures, combine
from analytics.history.source_selection import (
    HistorySource,
    SourceGroup,
    history_sources,
)
from analytics.history.timeline import Bucket, Timeline, timeline
from analytics.history.totals import Total, grouped_totals, totals
from analytics.recordings.beside_trends import (
    NO_COPIES,
    Copies,
    NewElsewhere,
    copies_inside,
    new_elsewhere,
)
from dashboard.language.words import n_
from dashboard.trends.charts.gaps import common_gaps, longest_gap_s
from dashboard.trends.choice import Choice, choose
from dashboard.trends.marks.alert_marks import AlertMark, alert_marks
from dashboard.trends.marks.markers import markers_in
from dashboard.trends.texts.sentences import ChartFacts, sentence, shown_name
from dashboard.trends.view import Mode, View
from dashboard.web.number_format import count
from records.markers import StoredMarker

MAX_CHARTS: Final = 6
"""With more series than that, one chart shows all sources together."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: a source, a tag, or all sources together.

    before: for each bucket the measures of the earlier time at the same place; () if the view has
    no lines to compare, or if either time was covered too little. of: None for all sources.
    """

    name: str
    buckets: tuple[Bucket, ...]
    facts: ChartFacts
    before: tuple[Measures | None, ...] = ()
    of: HistorySource | SourceGroup | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a view. lead: the sentence about all of it.

    lines: each source of the view once. rows: one line a series, which may have several sources.
    notes: requested parts that are not shown. verdict: None if the view is not compared.
    fitted: whether the range was fitted to the history. draws_earlier: whether it has `before`.
    elsewhere, copies: recordings outside of the range, and those that count again in it. alerts:
    those that fired in the range. markers: those in it.
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
    verdict: Verdict | None = None
    fitted: bool = False
    draws_earlier: bool = False
    elsewhere: NewElsewhere | None = None
    copies: Copies = NO_COPIES
    alerts: tuple[AlertMark, ...] = ()
    markers: tuple[StoredMarker, ...] = ()


@dataclass(frozen=True, slots=True)
class _Series:
    """The series of the timeline: each source and tag, or all of them together."""

    choice: Choice
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
    known = history_sources(connection)
    chosen = choose(known, view)
    span = shown_span(connection, view, chosen, zone, now)
    earlier = view.earlier(span, zone)
    lines = _lines(connection, chosen, span, earlier)
    rows = grouped_totals(lines, sources=chosen.names, groups=chosen.tags)
    series = _Series(chosen, together=len(rows) > MAX_CHARTS)
    found = series.timeline(connection, span, zone)
    facts = _facts_of_all(lines, found)
    if series.together:
        charts = [Chart(facts.name, _in_order(found)[0], facts)]
    else:
        charts = [
            _chart(line, buckets, found)
            for line, buckets in zip(sorted(rows, key=_order), _in_order(found), strict=True)
        ]
    draws_earlier = view.mode is Mode.LINES and earlier is not None
    if draws_earlier and earlier is not None:
        # At most as long as the range.
        until = min(earlier.until, earlier.since + (found.until - found.since))
        older = series.timeline(connection, (earlier.since, until), zone, found.step_s)
        charts = _with_earlier(charts, found, older, zone)
    return Answer(
        found.since,
        found.until,
        found.step_s,
        lines,
        rows,
        tuple(charts),
        facts.now,
        sentence(charts[0].facts if len(charts) == 1 else facts),
        chosen.notes,
        None if earlier is None else verdict_on(connection, lines, span, earlier),
        span != view.span(now, zone),
        draws_earlier,
        new_elsewhere(connection, chosen.pks, span, now),
        copies_inside(connection, chosen.pks, span),
        alert_marks(connection, chosen.pks, span),
        markers_in(connection, chosen.pks, span),
    )


def shown_span(
    connection: Connection, view: View, chosen: Choice, zone: tzinfo, now: datetime
) -> tuple[datetime, datetime]:
    """Return the range that is shown: of a view without one, it is fitted to the history."""
    span = view.span(now, zone)
    if not view.fits or view.zoom:
        return span
    return fitted_range(connection, chosen.pks, *span)


def _lines(
    connection: Connection,
    chosen: Choice,
    span: tuple[datetime, datetime],
    earlier: EarlierTime | None,
) -> tuple[Total, ...]:
    """Return the totals of the range and of the earlier time, which are empty without one."""
    names, tags = chosen.names, chosen.tags
    if earlier is not None:
        ends = (earlier.since, earlier.until)
        return totals(connection, *span, sources=names, tags=tags, earlier=ends)
    return tuple(
        replace(line, before=NOTHING, expected_before_s=0.0)
        for line in totals(connection, *span, sources=names, tags=tags)
    )


def _with_earlier(
    charts: Sequence[Chart], found: Timeline, older: Timeline, zone: tzinfo
) -> list[Chart]:
    """Return the charts with the measures of the earlier time, at the same places."""
    step = timedelta(seconds=found.step_s)
    now, then = (one.astimezone(zone).replace(tzinfo=None) for one in (found.since, older.since))
    shift = round((now - then) / step) * step
    return [
        _compared(chart, buckets, shift, zone)
        for chart, buckets in zip(charts, _in_order(older), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where there is history when a view has none.

    latest: a range of the view's sources. others: whether any source has history.
    """

    latest: tuple[datetime, datetime] | None
    others: bool


def elsewhere(connection: Connection, view: View, zone: tzinfo, now: datetime) -> Elsewhere:
    """Return where there is history, for a view in which nothing was analysed."""
    known = history_sources(connection)
    since, until = view.span(now, zone)
    latest = latest_range(connection, choose(known, view).pks, until - since)
    every = [one.pk for one in known]
    return Elsewhere(latest, latest is not None or last_analysed(connection, every) is not None)


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
        shown_name(line.source),
        line.now,
        line.before,
        line.expected_s,
        line.expected_before_s,
        longest_gap_s(buckets, found.since, found.until),
        found.step_s,
    )
    return Chart(shown_name(line.source), buckets, facts, of=line.source)


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
    number = len(sources)
    if not generated:
        return n_("{count} source together", "{count} sources together", number)
    if generated == number:
        return n_(
            "{count} source together (generated, not measured)",
            "{count} sources together (all generated, not measured)",
            number,
        )
    return n_(
        "{count} source together ({generated} generated, not measured)",
        "{count} sources together ({generated} generated, not measured)",
        number,
        generated=count(generated),
    )
