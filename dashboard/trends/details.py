"""The details below the charts: hours of the week, moments, and the time before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from sqlalchemy import Connection

from analytics.history.coverage import comparable, coverage
from analytics.history.heat_map import HeatCell, heat_map
from analytics.history.measures import Measures, combine
from analytics.history.moments import moments
from analytics.history.timeline import Timeline
from contracts.errors import SettingsError
from dashboard.trends.answers import Answer

_MAX_MOMENTS: Final = 12


@dataclass(frozen=True, slots=True)
class HourOfWeek:
    """An hour of the week over all weeks of the range. weekday: 0 is Monday."""

    weekday: int
    hour: int
    analyzed_s: float
    person_s: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class MomentOfChange:
    """A bucket in which a label's share changed most. before, now: the shares."""

    source: str
    at: datetime
    label: str
    before: float
    now: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """All series together, under "now" and "before": the same length of time before the range.

    comparable: False where either was covered too little, or without faces.
    """

    covered: Mapping[str, float]
    person_s: Mapping[str, float]
    shares: Mapping[str, Mapping[str, float] | None]
    comparable: bool


@dataclass(frozen=True, slots=True)
class Details:
    """The details of an answer. heat_trouble: why the hours of the week are not shown, or ""."""

    step_s: int
    heat: tuple[HourOfWeek, ...]
    heat_trouble: str
    moments: tuple[MomentOfChange, ...]
    compared: Comparison


def details(connection: Connection, found: Answer, zone: tzinfo) -> Details:
    """Return the details of an answer. Raises DatabaseError."""
    names = [line.source.name for line in found.lines]
    cells: tuple[HeatCell, ...] = ()
    error = ""
    try:
        cells = heat_map(connection, found.since, found.until, zone, sources=names)
    except SettingsError as exc:
        error = exc.line()
    series = Timeline(
        found.since,
        found.until,
        found.step_s,
        {chart.name: chart.buckets for chart in found.charts},
    )
    return Details(
        found.step_s,
        tuple(
            HourOfWeek(cell.weekday, cell.hour, cell.measures.analyzed_s, cell.measures.person_s)
            for cell in cells
        ),
        error,
        tuple(
            MomentOfChange(one.source, one.at, one.label, one.before, one.now)
            for one in moments(series, limit=_MAX_MOMENTS)
        ),
        _comparison(found),
    )


def _comparison(found: Answer) -> Comparison:
    times: dict[str, Measures] = {
        "now": found.everything,
        "before": combine(line.before for line in found.lines),
    }
    expected_s = {
        "now": sum(line.expected_s for line in found.lines),
        "before": sum(line.expected_before_s for line in found.lines),
    }
    covered = comparable([one.analyzed_s for one in times.values()], [*expected_s.values()])
    return Comparison(
        {name: coverage(one.analyzed_s, expected_s[name]) for name, one in times.items()},
        {name: one.total_s for name, one in times.items()},
        {name: one.shares for name, one in times.items()},
        covered and all(one.shares is not None for one in times.values()),
    )
