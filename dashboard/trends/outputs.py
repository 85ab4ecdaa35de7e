"""The outputs of the page's callback: sentences, tables and charts of an answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import tzinfo
from typing import Any

from dash import dcc, html, no_update
from sqlalchemy import Engine

from analytics.history.source_selection import HistorySource
from analytics.snapshots import in_snapshot
from contracts.errors import MoodlineError
from contracts.times import utc_now
from dashboard.language.core.recognition import known
from dashboard.language.words import _, parts
from dashboard.trends.address import ParsedView, write_view
from dashboard.trends.answer_cache import answer_cache
from dashboard.trends.answers import Answer, Chart, Elsewhere, elsewhere
from dashboard.trends.browser import ViewerBrowser
from dashboard.trends.charts.axis_clock import axis_clock
from dashboard.trends.charts.figure import timeline_figure
from dashboard.trends.charts.layout import ChartData, Style
from dashboard.trends.charts.scale import scale_of
from dashboard.trends.marks.alert_marks import alert_note, marks_of
from dashboard.trends.marks.markers import markers_of
from dashboard.trends.recording_notes import recording_notes
from dashboard.trends.tables import legend, source_table, view_of
from dashboard.trends.texts.sentences import ChartFacts, statement
from dashboard.trends.texts.verdict_text import basis_text, earlier_name, verdict_text
from dashboard.trends.view import View
from dashboard.web.links import source_path
from dashboard.web.number_format import duration, listed, local_time
from dashboard.web.palette import palette
from records.rollups.windows import MINUTE_S


def _no_history() -> list[Any]:
    """Return how to begin."""
    ways = [
        html.A(_("Add a camera"), href="sources?add=camera", className="button"),
        html.A(_("Open recordings"), href="recordings", className="button"),
        html.A(_("Start the demo"), href="now", className="button quiet"),
    ]
    commands = parts(
        "Or on the command line: {analyze}, or {add} and {up}.",
        analyze=html.Code("moodline analyze VIDEO"),
        add=html.Code("moodline source add NAME URI"),
        up=html.Code("moodline up"),
    )
    return [
        html.P(_("There is no history yet. Add a camera or analyse a recording to begin.")),
        html.Ul([html.Li(one) for one in ways], className="ways"),
        html.P(commands, className="help"),
    ]


@dataclass(frozen=True, slots=True)
class PageUpdate:
    """The outputs of the answer's callback, in their order. By default a part stays unchanged.

    drawing: the charts, as assets/trends/charts.js takes them.
    """

    error: str
    notes: list[Any]
    empty: Any
    empty_hidden: bool
    results_hidden: Any
    verdict: Any = no_update
    basis: Any = no_update
    lead: Any = no_update
    span: Any = no_update
    legend: Any = no_update
    per_source: Any = no_update
    drawing: Any = no_update
    refresh_disabled: bool = False

    def outputs(self) -> tuple[Any, ...]:
        """Return the values as Dash takes them."""
        return tuple(getattr(self, one.name) for one in fields(self))


def answer_update(engine: Engine, asked: ParsedView, browser: ViewerBrowser) -> PageUpdate:
    """Return the page's answer to a view. Raises MoodlineError."""
    now, view = utc_now(), asked.view
    found = answer_cache(engine).ask(engine, view, browser.zone, now)
    notes = _paragraphs((*asked.notes, *found.notes, *_generated_note(found)))
    notes += recording_notes(found, view) + alert_note(found.alerts)
    refresh_disabled = not view.follows_now
    if found.everything.is_gap() and not view.zoom:  # In a zoom, the charts show the way back.
        empty = _empty(in_snapshot(engine, elsewhere, view, browser.zone, now), view, browser.zone)
        return PageUpdate("", notes, empty, False, True, refresh_disabled=refresh_disabled)
    return PageUpdate(
        error="",
        notes=notes,
        empty="",
        empty_hidden=True,
        results_hidden=False,
        verdict=_non_breaking(
            "" if found.verdict is None else verdict_text(found.verdict, browser.zone)
        ),
        basis=_basis_text(found, browser.zone),
        lead=_non_breaking(found.lead),
        span=_span_text(found, browser.zone),
        legend=legend(found.everything, view),
        per_source=source_table(found.rows, view),
        drawing=_charts(found, view, browser),
        refresh_disabled=refresh_disabled,
    )


def error_update(error: MoodlineError, notes: Sequence[str], *, keep: bool) -> PageUpdate:
    """Return the page with an error. keep: whether the previous results stay."""
    return PageUpdate(
        known(error.line()), _paragraphs(notes), "", True, no_update if keep else True
    )


def _empty(found: Elsewhere, view: View, zone: tzinfo) -> list[Any]:
    """Return why nothing is shown, and the way to what there is."""
    if not found.others:
        return _no_history()
    if found.latest is None:
        text, name = _("Nothing was analysed of these sources."), _("Show all sources")
        shown = replace(view, sources=(), tags=(), fits=True, zoom=())
    else:
        ends = [local_time(one, zone, MINUTE_S, year=True) for one in found.latest]
        text = _("Nothing was analysed in this range.")
        name = _("Show what was analysed last: {since} to {until}", since=ends[0], until=ends[1])
        since, until = (f"{one:%Y-%m-%dT%H:%MZ}" for one in found.latest)
        shown = replace(view, since=since, until=until, fits=False, zoom=())
    link = dcc.Link(name, href=write_view(shown), className="button")
    return [html.P(text), html.Ul([html.Li(link)], className="ways")]


def _charts(found: Answer, view: View, browser: ViewerBrowser) -> list[dict[str, Any]]:
    """Return the charts with their names and sentences."""
    scale = scale_of((chart.buckets for chart in found.charts), view.mode)
    charts = list[dict[str, Any]]()
    for chart in found.charts:
        style = Style(
            palette(browser.dark),
            browser.zone,
            view.mode,
            touch=browser.touch,
            narrow=browser.narrow,
            revision=f"{view.since} {view.until} {view.zoom} {chart.name}",
            only=view.only,
        )
        data = ChartData(
            chart.buckets,
            found.step_s,
            found.until,
            chart.before,
            marks_of(found.alerts, chart.of),
            markers_of(found.markers, chart.of),
        )
        charts.append(
            {
                "name": chart.name,
                "href": _chart_href(chart, view, len(found.charts)),
                "caption": _caption(chart.facts),
                "figure": timeline_figure(data, scale, style),
            }
        )
    return charts


def _generated_note(found: Answer) -> tuple[str, ...]:
    """Return a note that names the sources whose history is generated, or none."""
    names = sorted(one.source.name for one in found.lines if one.source.generated)
    if not names:
        return ()
    return (_("Generated, not measured: {names}.", names=listed(names)),)


def _span_text(found: Answer, zone: tzinfo) -> str:
    """Return the range in words, on the clock of the charts."""
    ends = (found.since, found.until)
    year = len({one.astimezone(zone).year for one in ends}) > 1
    begin, end = (local_time(one, zone, MINUTE_S, year=year) for one in ends)
    clock = axis_clock(found.charts[0].buckets, zone, found.step_s)
    text = _(
        "{since} to {until} ({zone}), in steps of {step}.",
        since=begin,
        until=end,
        zone=zone,
        step=duration(found.step_s),
    )
    fitted = _("Fitted to what there is.") if found.fitted else ""
    return " ".join(filter(None, (text, fitted, clock.note, _dashed_text(found, zone))))


def _basis_text(found: Answer, zone: tzinfo) -> str:
    """Return which time the verdict compares with, and what it rests on."""
    if found.verdict is None:
        return ""
    earlier = found.verdict.earlier
    year = earlier.since.astimezone(zone).year != found.until.astimezone(zone).year
    ends = [local_time(one, zone, MINUTE_S, year=year) for one in (earlier.since, earlier.until)]
    compared = _("Compared with {since} to {until}.", since=ends[0], until=ends[1])
    return _non_breaking(f"{compared} {basis_text(found.verdict, zone)}")


def _dashed_text(found: Answer, zone: tzinfo) -> str:
    """Return what the dashed lines are, and why a chart has none."""
    if not found.draws_earlier or found.verdict is None:
        return ""
    missing = [chart.name for chart in found.charts if not chart.before]
    name = earlier_name(found.verdict.earlier, zone)
    if len(missing) == len(found.charts):
        return _(
            "No dashed lines: this range, or {name}, is covered too little to compare.", name=name
        )
    text = _("Dashed: {name}.", name=name)
    if not missing:
        return text
    none = _("None for {names}: too little was covered.", names=listed(missing))
    return f"{text} {none}"


def _chart_href(chart: Chart, view: View, charts: int) -> str:
    """Return where a chart's name leads: to the page of its source, or nowhere ("").

    A tag has no page: beside other charts its name leads to a view of it alone.
    """
    if isinstance(chart.of, HistorySource):
        return source_path(chart.of.name)
    return "" if chart.of is None or charts == 1 else write_view(view_of(chart.of, view))


def _caption(facts: ChartFacts) -> str:
    """Return a chart's sentence; its name is the heading above."""
    text = statement(facts)
    return _non_breaking(text[0].upper() + text[1:])


def _non_breaking(text: str) -> str:
    """Return the text with each number on one line with its unit, and with its margin."""
    return re.sub(r"(?<=[0-9]) (?=[%±a-z])|(?<=±) ", "\u00a0", text)


def _paragraphs(notes: Sequence[str]) -> list[Any]:
    return [html.P(note) for note in notes]
