"""Trends as `moodline trends` prints them: charts, a table, changes, and hours of the week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from analytics.history.heat_map import MAX_HEAT_MAP_RANGE, HeatCell, heat_map
from analytics.history.moments import Moment, moments
from analytics.history.source_selection import SourceGroup
from analytics.history.timeline import Timeline, timeline
from analytics.history.totals import Total, grouped_totals, totals
from analytics.runs.number_text import count_text
from analytics.snapshots import snapshot
from contracts.expressions import COLOURS, UNCERTAIN
from moodline.commands.history.trends_charts import (
    axis_margin,
    heat_map_chart,
    series_chart,
    time_axis,
)
from moodline.commands.history.trends_json import trends_json
from moodline.terminal.output import Screen, format_duration, new_table, print_json
from moodline.terminal.timeline_chart import chart_width
from runtime.visible_text import visible

_MAX_SOURCES: Final = 12
_MAX_MOMENTS: Final = 5
_MAX_PRINTED_MOMENTS: Final = 3
_HEAT_MAP_FROM: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class TrendsRequest:
    """A range, the viewer's time zone, and the selection of sources.

    groups: tags whose sources are shown as one.
    """

    since: datetime
    until: datetime
    zone: tzinfo
    sources: Sequence[str] = ()
    tags: Sequence[str] = ()
    groups: Sequence[str] = ()


def print_trends(engine: Engine, request: TrendsRequest, *, as_json: bool) -> None:
    """Print the trends. Raises SettingsError for a bad range, SourceNotFoundError."""
    since, until, sources = request.since, request.until, request.sources
    tags = (*request.tags, *request.groups)
    # A range that is longer than the heat map may be keeps its last days.
    week_since = max(since, until - MAX_HEAT_MAP_RANGE)
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
        every = totals(connection, since, until, sources=sources, tags=tags)
        week = heat_map(connection, week_since, until, request.zone, sources=sources, tags=tags)
    lines = grouped_totals(every, sources=sources, tags=request.tags, groups=request.groups)
    changes = moments(found, limit=_MAX_MOMENTS)
    if as_json:
        print_json(trends_json(found, lines, changes, week))
        return
    _print(found, lines, changes, week, request)


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
    console.print(_table(seen[:_MAX_SOURCES]))
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


def _table(totals: Sequence[Total]) -> Table:
    table = new_table()
    table.show_header = True
    table.add_column("source", overflow="ellipsis", min_width=10, max_width=28, no_wrap=True)
    for name in ("person-time", "most", "uncertain", "tracks", "analysed", "valence*"):
        table.add_column(name, justify="right", no_wrap=name != "analysed")
    for total in totals:
        shares = total.now.shares or {}
        valence = total.now.valence
        table.add_row(
            Text(total.source.display_name),
            format_duration(total.now.total_s),
            _largest_share(total),
            f"{shares[UNCERTAIN]:.0%}" if shares else "",
            f"{total.now.tracks:,}",
            _coverage(total),
            "" if valence is None else f"{valence:+.2f}",
        )
    return table


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


def _largest_share(total: Total) -> Text:
    """Return the label with the largest share, and its change in points since the time before."""
    shares = total.now.shares
    if shares is None:
        return Text("nobody", style="dim")
    label = max(shares, key=lambda one: shares[one])
    text = Text(f"{label} {shares[label]:.0%}", style=COLOURS[label])
    before = total.before.shares
    if before is not None and total.comparable:
        text.append(f" ({(shares[label] - before[label]) * 100:+.0f})", style="dim")
    return text


def _coverage(total: Total) -> str:
    """Return the analysed time and the coverage; for a live source also its uptime."""
    now = total.now
    text = f"{format_duration(now.analyzed_s)} ({total.coverage:.0%})"
    return f"{text}, up {now.up_s / now.watched_s:.0%}" if now.watched_s else text


def _change(change: Moment, source: str, zone: tzinfo) -> Text:
    text = Text(f"{change.at.astimezone(zone):%d %b %H:%M} ", style="dim")
    text.append(f"{visible(source)}: ", style="not dim bold")
    text.append(change.label, style=COLOURS[change.label])
    return text.append(f" from {change.before:.0%} to {change.now:.0%}", style="not dim")
