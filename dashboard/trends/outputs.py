"""What the page Trends shows of an answer, as the outputs of its callback, in their order."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from dash import html, no_update
from sqlalchemy import Engine

from analytics.history.local_time import zone_named
from contracts.errors import MoodlineError, SettingsError
from contracts.times import utc_now
from dashboard.trends.answers import Answer, answer, has_history
from dashboard.trends.axis_clock import axis_clock
from dashboard.trends.figure_layout import Drawn, Style
from dashboard.trends.figures import redrawn, scale_of, timeline_figure
from dashboard.trends.page import SLOTS
from dashboard.trends.sentences import Told, statement
from dashboard.trends.tables import data_table, legend, source_table
from dashboard.trends.view import Reading, View
from dashboard.web.number_format import duration, local_time
from dashboard.web.palette import palette
from records.windows import MINUTE_S

Browser = dict[str, Any]
"""What the page's script says of the browser: zone, locale, dark, touch, narrow."""

Turns = Sequence[dict[str, str] | None]
"""For each place, of the chart that is in it: the view's revision, and when it was drawn."""

_NO_HISTORY: Final = (
    html.P("There is no history yet. It begins with a camera, or with a recording."),
    html.Ul(
        [
            html.Li(html.A("Add a camera", href="sources?add=camera", className="button")),
            html.Li(html.A("Open recordings", href="recordings", className="button")),
            html.Li(html.A("Start the demo", href="now", className="button quiet")),
        ],
        className="ways",
    ),
    html.P(
        [
            "Or by command: ",
            html.Code("moodline analyze VIDEO"),
            ", or ",
            html.Code("moodline source add NAME URI"),
            " and ",
            html.Code("moodline up"),
            ".",
        ],
        className="help",
    ),
)
_NOTHING_HERE: Final = "Nothing was analysed in this range. Choose a longer or an earlier one."


def shown(engine: Engine, asked: Reading, browser: Browser, last: Turns) -> tuple[Any, ...]:
    """The page's answer to a view. last: what it showed before. Raises MoodlineError."""
    now = utc_now()
    found = answer(engine, asked.view, zone_of(browser), now)
    notes = _notes((*asked.notes, *found.notes, *_generated(found)))
    if found.everything.is_gap() and not asked.view.zoom:  # Out of a zoom the charts lead back.
        empty = [_NOTHING_HERE] if has_history(engine, now) else [*_NO_HISTORY]
        return ("", notes, empty, False, True, *_unchanged(), not asked.view.follows)
    head = ("", notes, "", True, False)
    return (*head, *_results(found, asked.view, browser, last), not asked.view.follows)


def chart_table(
    engine: Engine, view: View, zone: tzinfo, now: datetime, slot: int
) -> html.Table | str:
    """The data table of the chart in that place. Raises MoodlineError."""
    found = answer(engine, view, zone, now)
    if slot >= len(found.charts):
        return ""
    chart = found.charts[slot]
    drawn = Drawn(chart.buckets, found.step_s, found.until)
    return data_table(drawn, zone)


def trouble_shown(trouble: MoodlineError, notes: Sequence[str], *, keep: bool) -> tuple[Any, ...]:
    """An error as one line. keep: the results of the last time."""
    hidden = no_update if keep else True
    return (trouble.line(), _notes(notes), "", True, hidden, *_unchanged(), False)


def zone_of(browser: Browser) -> tzinfo:
    """The viewer's time zone, UTC where the browser names none that there is."""
    try:
        return zone_named(str(browser.get("zone") or "UTC")[:64])
    except SettingsError:
        return UTC


def _results(found: Answer, view: View, browser: Browser, last: Turns) -> tuple[Any, ...]:
    zone = zone_of(browser)
    scale = scale_of((chart.buckets for chart in found.charts), view.mode)
    figures: list[Any] = [no_update] * len(SLOTS)
    turns: list[Any] = list(last)
    for slot, chart in enumerate(found.charts):
        style = Style(
            palette(bool(browser.get("dark"))),
            zone,
            view.mode,
            touch=bool(browser.get("touch")),
            narrow=bool(browser.get("narrow")),
            revision=f"{view.since} {view.until} {view.zoom} {chart.name}",
            only=view.only,
        )
        drawn = Drawn(chart.buckets, found.step_s, found.until, chart.before)
        figure = timeline_figure(drawn, scale, style)
        same = bool(turns[slot]) and turns[slot]["revision"] == style.revision
        figures[slot] = redrawn(figure) if same else figure
        turns[slot] = {"revision": style.revision, "at": found.until.isoformat()}
    return (
        _unbroken(found.lead),
        _span(found, zone),
        legend(found.everything, view),
        source_table(found.rows),
        [slot >= len(found.charts) for slot in SLOTS],
        _padded([chart.name for chart in found.charts]),
        _padded([_caption(chart.told) for chart in found.charts]),
        figures,
        turns,
    )


def _generated(found: Answer) -> tuple[str, ...]:
    """A line on sources whose history was made up, so that nobody takes it for lived."""
    names = sorted(one.source.name for one in found.lines if one.source.generated)
    if not names:
        return ()
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return (f"Generated, not measured: {listed}.",)


def _span(found: Answer, zone: tzinfo) -> str:
    """The range in words, on the clock that the charts have."""
    ends = (found.since, found.until)
    year = len({one.astimezone(zone).year for one in ends}) > 1
    begin, end = (local_time(one, zone, MINUTE_S, year=year) for one in ends)
    clock = axis_clock(found.charts[0].buckets, zone, found.step_s)
    text = f"{begin} to {end} ({zone}), in steps of {duration(found.step_s)}."
    return " ".join(filter(None, (text, clock.note, _before(found))))


def _before(found: Answer) -> str:
    """What the dashed lines are, and where there are none, why."""
    if not found.weeks_before:
        return ""
    weeks = f"{found.weeks_before} week{'' if found.weeks_before == 1 else 's'}"
    missing = [chart.name for chart in found.charts if not chart.before]
    text = f"Dashed: the same weekdays and times {weeks} before."
    if len(missing) == len(found.charts):
        return f"No dashed lines: now, or {weeks} before, too little was covered to compare."
    return text + (f" None for {', '.join(missing)}: too little was covered." if missing else "")


def _unchanged() -> tuple[Any, ...]:
    """The results are hidden, or as they were."""
    return (*[no_update] * 4, *[[no_update] * len(SLOTS)] * 5)


def _caption(told: Told) -> str:
    """A chart's sentence; its name is the heading above."""
    text = statement(told)
    return _unbroken(text[0].upper() + text[1:])


def _unbroken(text: str) -> str:
    """Each number on one line with what it counts."""
    return re.sub(r"(?<=[0-9]) (?=[%a-z])", "\u00a0", text)


def _padded(texts: Sequence[str]) -> list[str]:
    return [*texts, *[""] * (len(SLOTS) - len(texts))]


def _notes(notes: Sequence[str]) -> list[Any]:
    return [html.P(note) for note in notes]
