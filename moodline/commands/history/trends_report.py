"""Trends as `moodline trends` prints them: charts, a table, changes, and hours of the week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from rich.text import Text
from sqlalchemy import Engine

from analytics.comparison.earlier_times import EarlierTime
from analytics.comparison.verdict import Verdict, verdict_on
from analytics.comparison.wording import basis_line, verdict_line
from analytics.history.hours_of_week.heat_map import MAX_HEAT_MAP_RANGE, HeatCell, heat_map
from analytics.history.moments import Moment, moments
from analytics.history.source_selection import HistorySource, SourceGroup
from analytics.history.timeline import Timeline, timeline
from analytics.history.totals import Total, grouped_totals, totals
from analytics.recordings.beside_trends import (
    Copies,
    NewElsewhere,
    copies_inside,
    new_elsewhere,
)
from analytics.runs.number_text import count_text
from analytics.snapshots import snapshot
from contracts.expressions import COLOURS
from contracts.times import utc_now
from moodline.commands.history.trends_charts import (
    axis_margin,
    heat_map_chart,
    series_chart,
    time_axis,
)
from moodline.commands.history.trends_json import trends_json
from moodline.commands.history.trends_table import trends_table
from moodline.terminal.output import Screen, format_duration, print_json
from moodline.terminal.timeline_chart import chart_width
from runtime.visible_text import visible

_MAX_SOURCES: Final = 12
_MAX_MOMENTS: Final = 5
_MAX_PRINTED_MOMENTS: Final = 3
_RECENT: Final = timedelta(hours=1)
_HEAT_MAP_FROM: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class TrendsRequest:
    """A range, the viewer's time zone, and the selection of sources.

    groups: tags whose sources are shown as one. earlier: the time to compare with, if any.
    """

    since: datetime
    until: datetime
    zone: tzinfo
    sources: Sequence[str] = ()
    tags: Sequence[str] = ()
    groups: Sequence[str] = ()
    earlier: EarlierTime | None = None


def print_trends(engine: Engine, request: TrendsRequest, *, as_json: bool) -> None:
    """Print the trends. Raises SettingsError for a bad range, SourceNotFoundError."""
    since, until, sources = request.since, request.until, request.sources
    tags = (*request.tags, *request.groups)
    # A range that is longer than the heat map may be keeps its last days.
    week_since = max(since, until - MAX_HEAT_MAP_RANGE)
    earlier = request.earlier
    ends = None if earlier is None else (earlier.since, earlier.until)
    with snapshot(engine) as connection:
        found = timeline(
            connection,
            since,
            until,
            request.zone,
            sources=sources,
            tags=request.tags,
            groups=request.groups,
        )
        every = totals(connection, since, until, sources=sources, tags=tags, earlier=ends)
        week = heat_map(connection, week_since, until, request.zone, sources=sources, tags=tags)
        judged = None
        if earlier is not None:
            judged = verdict_on(connection, every, (since, until), earlier)
        source_pks = [one.source.pk for one in every if isinstance(one.source, HistorySource)]
        now, elsewhere = utc_now(), None
        if until >= now - _RECENT:  # Who asks for the past does not look for what is new.
            elsewhere = new_elsewhere(connection, source_pks, (since, until), now)
        copies = copies_inside(connection, source_pks, (since, until))
    lines = grouped_totals(every, sources=sources, tags=request.tags, groups=request.groups)
    changes = moments(found, limit=_MAX_MOMENTS)
    if as_json:
        print_json(trends_json(found, lines, changes, week, judged))
        return
    if judged is not None:
        _print_verdict(judged, request.zone)
    _print(found, lines, changes, week, request)
    _print_notes(elsewhere, copies)


def _print_verdict(found: Verdict, zone: tzinfo) -> None:
    """Print whether it was happier, and what that rests on."""
    ends = [
        f"{one.astimezone(zone):%d %b %H:%M}" for one in (found.earlier.since, found.earlier.until)
    ]
    console = Screen()
    console.print(Text(verdict_line(found), style="bold"))
    text = f"Compared with {ends[0]} to {ends[1]} ({zone}). {basis_line(found)}\n"
    console.print(Text(text, style="dim"))


def _print(
    found: Timeline,
    totals: Sequence[Total],
    changes: Sequence[Moment],
    week: Sequence[HeatCell],
    request: TrendsRequest,
) -> None:
    console = Screen()
    seen = [total for total in totals if total.now.frames or total.now.watched_s]
    if not seen:
        console.print(
            "Nothing was analysed in this range. Analyse recordings with `moodline analyze VIDEO`, "
            "or add a live source with `moodline source add` and start `moodline up`.",
            highlight=False,
            markup=False,
        )
        return
    width = chart_width(console, margin=axis_margin(request.zone))
    for total in seen[:_MAX_SOURCES]:
        series = found.groups if isinstance(total.source, SourceGroup) else found.series
        console.print(series_chart(total.source.display_name, series[total.source.name], width))
    console.print(time_axis(found, request.zone, width))
    console.print(trends_table(seen[:_MAX_SOURCES], console.width))
    _print_left_out(console, seen)
    console.print("* derived from the probabilities, not measured", style="dim")
    if len(seen) > _MAX_SOURCES:
        rest = len(seen) - _MAX_SOURCES
        console.print(f"{rest} more sources; select them with --source", style="dim")
    names = {total.source.name: total.source.display_name for total in seen}
    for change in changes[:_MAX_PRINTED_MOMENTS]:
        name = names.get(change.source, change.source)
        console.print(_change(change, name, request.zone), highlight=False)
    if request.until - request.since >= _HEAT_MAP_FROM:
        console.print(heat_map_chart(week))


def _print_notes(elsewhere: NewElsewhere | None, copies: Copies) -> None:
    """Print which new recordings the range lacks, and whether content counts again."""
    console = Screen()
    if elsewhere is not None:
        ends = (elsewhere.since, elsewhere.until + timedelta(minutes=1))
        since, until = (f"{one:%Y-%m-%dT%H:%MZ}" for one in ends)
        line = f"{elsewhere.text}: see --from {since} --to {until}"
        console.print(line, style="yellow", highlight=False)
    if copies.text:
        console.print(copies.text, style="dim", highlight=False)


def _print_left_out(console: Screen, totals: Sequence[Total]) -> None:
    """Print for each source what no number contains, if there is anything."""
    for total in totals[:_MAX_SOURCES]:
        parts = []
        if total.now.static_s:
            parts.append(f"{format_duration(total.now.static_s)} of still faces")
        if total.now.tentative_tracks:
            parts.append(f"{count_text(total.now.tentative_tracks, 'face')} seen in one frame only")
        if parts:
            name = visible(total.source.display_name)
            console.print(Text(f"{name}: left out: {', '.join(parts)}", style="dim"))


def _change(change: Moment, source: str, zone: tzinfo) -> Text:
    text = Text(f"{change.at.astimezone(zone):%d %b %H:%M} ", style="dim")
    text.append(f"{visible(source)}: ", style="not dim bold")
    text.append(change.label, style=COLOURS[change.label])
    return text.append(f" from {change.before:.0%} to {change.now:.0%}", style="not dim")
