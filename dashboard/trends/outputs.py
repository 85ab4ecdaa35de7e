"""The outputs of the page's callback: sentences, tables and charts of an answer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
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
from dashboard.trends.page import SLOTS
from dashboard.trends.recording_notes import recording_notes
from dashboard.trends.tables import DataTable, data_table, legend, source_table, view_of
from dashboard.trends.texts.sentences import ChartFacts, statement
from dashboard.trends.texts.verdict_text import basis_text, earlier_name, verdict_text
from dashboard.trends.view import View
from dashboard.web.links import source_path
from dashboard.web.number_format import duration, listed, local_time
from dashboard.web.palette import palette
from records.rollups.windows import MINUTE_S

DrawnCharts = Sequence[Mapping[str, str] | None]
"""For each slot, what its chart shows now: the view's revision, and when it was drawn."""


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


def read_drawn(given: Any) -> DrawnCharts:
    """Return what the browser says of its charts; a slot of which it says nonsense is empty."""
    marks = given if isinstance(given, list) and len(given) == len(SLOTS) else [None] * len(SLOTS)
    return [one if isinstance(one, dict) else None for one in marks]


def _all_slots() -> list[Any]:
    return [no_update] * len(SLOTS)


@dataclass(frozen=True, slots=True)
class PageUpdate:
    """The outputs of the answer's callback, in their order. By default a part stays unchanged.

    The last lists have one value a slot.
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
    charts_class: Any = no_update
    names: list[Any] = field(default_factory=_all_slots)
    captions: list[Any] = field(default_factory=_all_slots)
    charts: list[Any] = field(default_factory=_all_slots)
    drawn: list[Any] = field(default_factory=_all_slots)
    refresh_disabled: bool = False

    def outputs(self) -> tuple[Any, ...]:
        """Return the values as Dash takes them."""
        return tuple(getattr(self, one.name) for one in fields(self))


def answer_update(
    engine: Engine, asked: ParsedView, browser: ViewerBrowser, drawn: DrawnCharts
) -> PageUpdate:
    """Return the page's answer to a view. drawn: what is on screen. Raises MoodlineError."""
    now, view = utc_now(), asked.view
    found = answer_cache(engine).ask(engine, view, browser.zone, now)
    notes = _paragraphs((*asked.notes, *found.notes, *_generated_note(found)))
    notes += recording_notes(found, view) + alert_note(found.alerts)
    refresh_disabled = not view.follows_now
    if found.everything.is_gap() and not view.zoom:  # In a zoom, the charts show the way back.
        empty = _empty(in_snapshot(engine, elsewhere, view, browser.zone, now), view, browser.zone)
        return PageUpdate("", notes, empty, False, True, refresh_disabled=refresh_disabled)
    charts, redrawn = _charts(found, view, browser, drawn)
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
        charts_class="charts" if len(found.charts) > 1 else "charts is-single",
        names=_padded([_heading(chart, view, len(found.charts)) for chart in found.charts]),
        captions=_padded([_caption(chart.facts) for chart in found.charts]),
        charts=charts,
        drawn=redrawn,
        refresh_disabled=refresh_disabled,
    )


def error_update(error: MoodlineError, notes: Sequence[str], *, keep: bool) -> PageUpdate:
    """Return the page with an error. keep: whether the previous results stay."""
    return PageUpdate(
        known(error.line()), _paragraphs(notes), "", True, no_update if keep else True
    )


def chart_table(engine: Engine, view: View, zone: tzinfo, slot: int) -> DataTable | None:
    """Return the data table of the chart in a slot; None if it is empty. Raises MoodlineError."""
    found = answer_cache(engine).latest(engine, view, zone, utc_now())
    if slot >= len(found.charts):
        return None
    return data_table(ChartData(found.charts[slot].buckets, found.step_s, found.until), zone)


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


def _charts(
    found: Answer, view: View, browser: ViewerBrowser, drawn: DrawnCharts
) -> tuple[list[Any], list[Any]]:
    """Return for each slot its figure, None for no chart, and its mark.

    same: whether the chart on screen shows the same view, so that its zoom stays.
    """
    scale = scale_of((chart.buckets for chart in found.charts), view.mode)
    charts: list[Any] = [None] * len(SLOTS)
    marks = list(drawn)
    for slot, chart in enumerate(found.charts):
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
        figure = timeline_figure(data, scale, style)
        on_screen = marks[slot]
        same = on_screen is not None and on_screen.get("revision") == style.revision
        charts[slot] = {"figure": figure, "same": same}
        marks[slot] = {"revision": style.revision, "at": found.until.isoformat()}
    return charts, marks


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


def _heading(chart: Chart, view: View, charts: int) -> Any:
    """Return a chart's name, which leads to the page of its source.

    A tag has no page: beside other charts its name leads to a view of it alone.
    """
    if isinstance(chart.of, HistorySource):
        return dcc.Link(chart.name, href=source_path(chart.of.name), className="name-link")
    if chart.of is None or charts == 1:
        return chart.name
    return dcc.Link(chart.name, href=write_view(view_of(chart.of, view)))


def _caption(facts: ChartFacts) -> str:
    """Return a chart's sentence; its name is the heading above."""
    text = statement(facts)
    return _non_breaking(text[0].upper() + text[1:])


def _non_breaking(text: str) -> str:
    """Return the text with each number on one line with its unit, and with its margin."""
    return re.sub(r"(?<=[0-9]) (?=[%±a-z])|(?<=±) ", "\u00a0", text)


def _padded(texts: Sequence[Any]) -> list[Any]:
    return [*texts, *[""] * (len(SLOTS) - len(texts))]


def _paragraphs(notes: Sequence[str]) -> list[Any]:
    return [html.P(note) for note in notes]
