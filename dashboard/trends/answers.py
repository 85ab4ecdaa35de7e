"""What the read API answers to a view, ready to be shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from math import ceil
from typing import Any, Final

from sqlalchemy import Engine

from analytics.history.coverage import comparable
from analytics.history.local_time import WEEK_S
from analytics.history.measures import Measures, combined
from analytics.history.source_selection import HistorySource, SourceGroup, history_sources
from analytics.history.trends import Bucket, Timeline, Total, grouped_totals, timeline, totals
from contracts.errors import SourceNotFoundError
from dashboard.trends.gaps import common_gaps, longest_gap_s
from dashboard.trends.sentences import Told, sentence
from dashboard.trends.view import LONGEST, Mode, View

MOST_CHARTS: Final = 6
"""Of more sources than that one chart shows all together."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: of a source, or of several together, and what is told of it.

    before: for each bucket what was there whole weeks before, on the same weekday and at the same
    time of day; () where that is not asked for, or either was covered too little.
    """

    name: str
    buckets: tuple[Bucket, ...]
    told: Told
    before: tuple[Measures | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A view's answer. lead: the sentence on all of it. all_names: of the sources there are.

    lines: each source that is in it, once. rows: a line a series, which may have several of them.
    notes: what was asked for and is not shown. weeks_before: how far the charts' `before` is away.
    """

    since: datetime
    until: datetime
    step_s: int
    all_names: tuple[str, ...]
    lines: tuple[Total, ...]
    rows: tuple[Total, ...]
    charts: tuple[Chart, ...]
    everything: Measures
    lead: str
    notes: tuple[str, ...]
    weeks_before: int = 0


def answer(engine: Engine, view: View, zone: tzinfo, now: datetime) -> Answer:
    """Ask the read API. Raises MoodlineError."""
    since, until = view.span(now)
    known = history_sources(engine)
    chosen = choose(known, view)
    lines = totals(engine, since, until, sources=chosen.names, tags=chosen.tags)
    rows = grouped_totals(lines, sources=chosen.names, groups=chosen.tags)
    together = len(rows) > MOST_CHARTS
    if together:
        asked: dict[str, Any] = {"sources": chosen.names, "tags": chosen.tags, "together": True}
    else:
        asked = {"sources": chosen.names, "groups": chosen.tags}
    found = timeline(engine, since, until, zone, **asked)
    series = _in_order(found)
    span_s = (until - since).total_seconds()
    every = Told(
        _together([line.source for line in lines]),
        combined(line.now for line in lines),
        combined(line.before for line in lines),
        sum(line.expected_s for line in lines),
        sum(line.expected_before_s for line in lines),
        longest_gap_s(common_gaps(series), since, until),
        found.step_s,
    )
    if together:
        charts = [Chart(every.name, series[0], every)]
    else:
        charts = [
            _chart(line, buckets, since, until, every.step_s)
            for line, buckets in zip(sorted(rows, key=_order), series, strict=True)
        ]
    weeks = 0
    if view.mode is Mode.LINES:
        weeks = _weeks_before(span_s, found.step_s)
        charts = _compared(engine, charts, found, zone, asked, weeks)
    lead = sentence(charts[0].told if len(charts) == 1 else every)
    return Answer(
        since,
        until,
        found.step_s,
        tuple(one.name for one in known),
        lines,
        rows,
        tuple(charts),
        every.now,
        lead,
        chosen.notes,
        weeks,
    )


def has_history(engine: Engine, now: datetime) -> bool:
    """Whether anything was analysed, ever: within what can be shown at once."""
    later = now + timedelta(days=1)
    return any(line.now.frames for line in totals(engine, later - LONGEST, later))


def _chart(
    line: Total, buckets: tuple[Bucket, ...], since: datetime, until: datetime, step_s: int
) -> Chart:
    told = Told(
        line.source.shown_name,
        line.now,
        line.before,
        line.expected_s,
        line.expected_before_s,
        longest_gap_s(buckets, since, until),
        step_s,
    )
    return Chart(line.source.shown_name, buckets, told)


def _weeks_before(span_s: float, step_s: int) -> int:
    """As many whole weeks as the range is away from itself, and whole steps."""
    unit_s = max(WEEK_S, step_s)
    return ceil(span_s / unit_s) * unit_s // WEEK_S


def _compared(  # noqa: PLR0913, PLR0917
    engine: Engine,
    charts: Sequence[Chart],
    found: Timeline,
    zone: tzinfo,
    asked: Mapping[str, Any],
    weeks: int,
) -> list[Chart]:
    """The charts with what was there so many weeks before."""
    shift = timedelta(weeks=weeks)
    older = timeline(
        engine,
        found.since - shift,
        found.until - shift,
        zone,
        step_s=found.step_s,
        **asked,
    )
    compared = []
    for chart, earlier in zip(charts, _in_order(older), strict=True):
        buckets = chart.buckets
        there = {_clock(one, zone) + shift: one.measures for one in earlier}
        before = tuple(there.get(_clock(one, zone)) for one in buckets)
        times = (buckets, earlier)
        enough = comparable(
            [sum(one.measures.analyzed_s for one in steps) for steps in times],
            [sum(one.expected_s for one in steps) for steps in times],
        )
        compared.append(replace(chart, before=before if enough else ()))
    return compared


def _clock(bucket: Bucket, zone: tzinfo) -> datetime:
    """When it begins, on the viewer's clock."""
    return bucket.begin.astimezone(zone).replace(tzinfo=None)


def _in_order(found: Timeline) -> list[tuple[Bucket, ...]]:
    """The series as the charts have them: sources by name, then tags."""
    return [
        buckets for series in (found.series, found.groups) for _, buckets in sorted(series.items())
    ]


def _order(line: Total) -> tuple[bool, str]:
    return isinstance(line.source, SourceGroup), line.source.name


def _together(sources: Sequence[HistorySource | SourceGroup]) -> str:
    """What was made up is never silently added to what was measured."""
    made_up = sum(one.generated for one in sources)
    text = f"{len(sources)} sources together"
    if not made_up:
        return text
    return f"{text} ({'all' if made_up == len(sources) else made_up} generated, not measured)"


@dataclass(frozen=True, slots=True)
class Choice:
    """The sources and the tags of a view that there are, and a line on those that there are not."""

    names: tuple[str, ...]
    tags: tuple[str, ...]
    notes: tuple[str, ...]


def choose(known: Sequence[HistorySource], view: View) -> Choice:
    """What the view is of. Without any of it: all sources."""
    all_names, all_tags = {one.name for one in known}, {tag for one in known for tag in one.tags}
    names = tuple(name for name in view.sources if name in all_names)
    tags = tuple(tag for tag in view.tags if tag in all_tags)
    missing = [f"source “{name[:40]}”" for name in view.sources if name not in all_names]
    missing += [f"tag “{tag[:40]}”" for tag in view.tags if tag not in all_tags]
    if not missing:
        return Choice(names, tags, ())
    trouble = SourceNotFoundError(
        f"There is no {missing[0]}"
        + (f", nor {len(missing) - 1} more that were asked for" if len(missing) > 1 else ""),
        hint="Showing the others." if names or tags else "Showing all sources.",
    )
    return Choice(names, tags, (trouble.line(),))
