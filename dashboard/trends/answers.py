"""What the read API answers to a view, ready to be shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from sqlalchemy import Engine

from analytics.measures import Measures
from analytics.selected_sources import HistorySource, history_sources
from analytics.trends import Bucket, Total, timeline, totals
from contracts.errors import SourceNotFoundError
from dashboard.trends.combined import combined, common_gaps, longest_gap_s
from dashboard.trends.sentences import Told, sentence
from dashboard.trends.view import LONGEST, View

MOST_CHARTS: Final = 6
"""Of more sources than that one chart shows all together."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: of a source, or of several together, and what is told of it."""

    name: str
    sources: int
    buckets: tuple[Bucket, ...]
    told: Told


@dataclass(frozen=True, slots=True)
class Answer:
    """A view's answer. lead: the sentence on all of it. all_names: of the sources there are.

    notes: what was asked for and is not shown.
    """

    since: datetime
    until: datetime
    step_s: int
    all_names: tuple[str, ...]
    lines: tuple[Total, ...]
    charts: tuple[Chart, ...]
    everything: Measures
    lead: str
    notes: tuple[str, ...]

    @property
    def span_s(self) -> float:
        """The range's length."""
        return (self.until - self.since).total_seconds()


def answer(engine: Engine, view: View, zone: tzinfo, now: datetime) -> Answer:
    """Ask the read API. Raises MoodlineError."""
    since, until = view.span(now)
    known = history_sources(engine)
    names, notes = _chosen(known, view)
    lines = totals(engine, since, until, sources=names)
    together = len(lines) > MOST_CHARTS
    found = timeline(engine, since, until, zone, sources=names, together=together)
    span_s = (until - since).total_seconds()
    every = Told(
        _together(len(lines)),
        combined(line.now for line in lines),
        combined(line.before for line in lines),
        span_s * max(len(lines), 1),
        longest_gap_s(common_gaps(found.series.values()), since, until),
        found.step_s,
    )
    if together:
        (buckets,) = found.series.values()
        charts = [Chart(every.name, len(lines), buckets, every)]
    else:
        charts = [
            _chart(line, found.series[line.source.name], since, until, every.step_s)
            for line in sorted(lines, key=lambda line: line.source.name)
        ]
    lead = sentence(charts[0].told if len(charts) == 1 else every)
    return Answer(
        since,
        until,
        found.step_s,
        tuple(one.name for one in known),
        lines,
        tuple(charts),
        every.now,
        lead,
        notes,
    )


def has_history(engine: Engine, now: datetime) -> bool:
    """Whether anything was analysed, ever: within what can be shown at once."""
    later = now + timedelta(days=1)
    return any(line.now.frames for line in totals(engine, later - LONGEST, later))


def _chart(
    line: Total, buckets: tuple[Bucket, ...], since: datetime, until: datetime, step_s: int
) -> Chart:
    told = Told(
        line.source.name,
        line.now,
        line.before,
        (until - since).total_seconds(),
        longest_gap_s(buckets, since, until),
        step_s,
    )
    return Chart(line.source.name, 1, buckets, told)


def _together(count: int) -> str:
    return f"{count} sources together"


def _chosen(known: Sequence[HistorySource], view: View) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those that there are, and a line on those that there are not. Without any: all."""
    there = {one.name for one in known}
    names = tuple(name for name in view.sources if name in there)
    missing = [name for name in view.sources if name not in there]
    if not missing:
        return names, ()
    trouble = SourceNotFoundError(
        f"There is no source “{missing[0][:40]}”"
        + (f", nor {len(missing) - 1} more that were asked for" if len(missing) > 1 else ""),
        hint="Showing the others." if names else "Showing all sources.",
    )
    return names, (trouble.line(),)
