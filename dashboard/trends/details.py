"""The details below the charts: rankings, hours of the week, moments, and the earlier time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from sqlalchemy import Connection

from analytics.comparison.ranking import (
    Course,
    RankedSource,
    hour_courses,
    rank_value,
    ranked_sources,
)
from analytics.comparison.verdict_json import verdict_json
from analytics.history.hours_of_week.heat_map import HeatCell, heat_map
from analytics.history.moments import moments
from analytics.history.recording_at import RecordingTime, recording_at
from analytics.history.source_selection import HistorySource
from analytics.history.timeline import Timeline
from contracts.errors import SettingsError
from contracts.runs import RunKind
from dashboard.language.core.recognition import known
from dashboard.trends.answers import Answer
from dashboard.trends.marks.alert_marks import AlertMark, shown_mark
from dashboard.trends.texts.sentences import shown_name
from dashboard.trends.texts.verdict_text import basis_text, earlier_name, verdict_text
from dashboard.trends.view import View
from records.markers import StoredMarker

_MAX_MOMENTS: Final = 12
_QUARTERS: Final = 4


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A series of the view, ranked. tag: whether `name` is a tag. value: None for too little."""

    name: str
    display_name: str
    tag: bool
    value: float | None
    person_s: float
    tracks: int
    coverage: float
    course: Course


@dataclass(frozen=True, slots=True)
class HourOfWeek:
    """An hour of the week over all weeks of the range. weekday: 0 is Monday.

    value: of what is ranked by; None for too little. latest: the begin of the last of these hours.
    """

    weekday: int
    hour: int
    analyzed_s: float
    person_s: float
    value: float | None
    latest: datetime
    course: Course


@dataclass(frozen=True, slots=True)
class MomentOfChange:
    """A bucket in which a label's share changed surprisingly. before, now: the shares.

    source: the series as it is shown; "" if the page shows only one. name: of the source, if the
    series is one. recording: where it is in a recording; None if it is in none, or in several.
    """

    source: str
    name: str | None
    at: datetime
    label: str
    before: float
    now: float
    recording: RecordingTime | None


@dataclass(frozen=True, slots=True)
class MarkerLine:
    """A marker. source: None for all sources. by: who set it."""

    marker_id: str
    source: str | None
    begin: datetime
    end: datetime
    text: str
    tags: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True)
class Details:
    """The details of an answer. heat_trouble: why the hours of the week are not shown, or "".

    by_weeks: whether an hour's course has its weeks, and not its quarters. compared: the verdict;
    None if the view is not compared.
    """

    step_s: int
    rank: str
    sources: tuple[SourceLine, ...]
    heat: tuple[HourOfWeek, ...]
    heat_trouble: str
    by_weeks: bool
    moments: tuple[MomentOfChange, ...]
    compared: Mapping[str, Any] | None
    since: datetime
    until: datetime
    alerts: tuple[AlertMark, ...] = ()
    markers: tuple[MarkerLine, ...] = ()


def details(connection: Connection, view: View, found: Answer, zone: tzinfo) -> Details:
    """Return the details of an answer. Raises DatabaseError."""
    span = (found.since, found.until)
    heat: tuple[HourOfWeek, ...] = ()
    error = ""
    try:
        heat = _hours(connection, view, found, zone)
    except SettingsError as exc:
        error = known(exc.line())
    ranked = ranked_sources(connection, found.rows, span, zone, view.rank)
    return Details(
        found.step_s,
        view.rank,
        tuple(_source_line(one) for one in ranked),
        heat,
        error,
        any(len(one.course) != _QUARTERS for one in heat),
        _moments(connection, found),
        _compared(found, zone),
        *span,
        tuple(map(shown_mark, found.alerts)),
        tuple(_marker_line(one) for one in found.markers),
    )


def _marker_line(one: StoredMarker) -> MarkerLine:
    return MarkerLine(
        one.marker_id, one.source, one.begin_at, one.end_at, one.text, one.tags, one.created_by
    )


def _compared(found: Answer, zone: tzinfo) -> Mapping[str, Any] | None:
    """Return the verdict with its words in the viewer's language; None without a comparison."""
    if found.verdict is None:
        return None
    words = {
        "verdict": verdict_text(found.verdict, zone),
        "basis": basis_text(found.verdict, zone),
        "name": earlier_name(found.verdict.earlier, zone),
    }
    return {**verdict_json(found.verdict), **words}


def _source_line(one: RankedSource) -> SourceLine:
    return SourceLine(
        one.source.name,
        shown_name(one.source),
        not isinstance(one.source, HistorySource),
        one.value,
        one.total.now.total_s,
        one.total.now.tracks,
        one.total.coverage,
        one.course,
    )


def _hours(
    connection: Connection, view: View, found: Answer, zone: tzinfo
) -> tuple[HourOfWeek, ...]:
    names = [line.source.name for line in found.lines]
    span = (found.since, found.until)
    cells: tuple[HeatCell, ...] = heat_map(connection, *span, zone, sources=names)
    courses = hour_courses(connection, *span, zone, view.rank, sources=names)
    return tuple(
        HourOfWeek(
            cell.weekday,
            cell.hour,
            cell.measures.analyzed_s,
            cell.measures.total_s,
            rank_value(cell.measures, view.rank),
            cell.latest,
            courses.get(cell.weekday * 24 + cell.hour, ()),
        )
        for cell in cells
    )


def _moments(connection: Connection, found: Answer) -> tuple[MomentOfChange, ...]:
    """Return the moments, those of a single recording with their place in it."""
    series = {chart.name: chart.buckets for chart in found.charts}
    names = {
        chart.name: chart.of.name for chart in found.charts if isinstance(chart.of, HistorySource)
    }
    recordings = {
        shown_name(line.source): line.source.pk
        for line in found.lines
        if isinstance(line.source, HistorySource) and line.source.kind != RunKind.LIVE
    }
    changes = moments(Timeline(found.since, found.until, found.step_s, series), limit=_MAX_MOMENTS)
    return tuple(
        MomentOfChange(
            one.source if len(series) > 1 else "",
            names.get(one.source),
            one.at,
            one.label,
            one.before,
            one.now,
            recording_at(connection, recordings[one.source], one.at, found.step_s)
            if one.source in recordings
            else None,
        )
        for one in changes
    )
