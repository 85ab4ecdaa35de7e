"""What happens on the page Trends: the address is its state, and the read API answers it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from dash import (
    ALL,
    MATCH,
    ClientsideFunction,
    Dash,
    Input,
    Output,
    State,
    ctx,
    html,
    no_update,
    set_props,
)
from dash.exceptions import PreventUpdate
from sqlalchemy import Engine

from analytics.history.source_selection import HistorySource, history_sources
from contracts.errors import MoodlineError
from contracts.times import utc_now
from dashboard.trends.outputs import Browser, Turns, chart_table, shown, trouble_shown, zone_of
from dashboard.trends.page import MODES, RANGES
from dashboard.trends.view import CUSTOM, Mode, View, preset, range_trouble, read_view, write_view
from dashboard.web.backend import Backend
from dashboard.web.number_format import enter_locale

_AS_ONE: Final = "\u2060"
"""Before a tag that is chosen as a series of its own: no name can have it."""
_UNCHANGED: Final = ([no_update] * len(RANGES), [no_update] * len(MODES), *[no_update] * 4)
"""The controls as they were, but for the line on a range."""


def add_callbacks(app: Dash, backend: Backend) -> None:
    """Connect the page to the read API. The queries run in threads: the server goes on serving."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("moodline", "browser"),
        Output("browser", "data"),
        Input("url", "pathname"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("moodline", "extras"),
        Output("extras-asked", "data"),
        Input("url", "search"),
        Input("lead", "children"),
        prevent_initial_call=True,
    )
    _add_state(app, backend.engine)
    _add_answer(app, backend.engine)
    _add_data_tables(app, backend.engine)


def _add_state(app: Dash, engine: Engine) -> None:
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("moodline", "offered"), Input("offered", "data")
    )

    # The address is no output: what reads it, above all the answer, would wait for the controls.
    @app.callback(
        Output({"control": "range", "value": ALL}, "aria-pressed"),
        Output({"control": "mode", "value": ALL}, "aria-pressed"),
        Output("offered", "data"),
        Output("from", "value"),
        Output("to", "value"),
        Output("custom", "hidden"),
        Output("range-trouble", "children"),
        Input("url", "search"),
        Input("browser", "data"),
        Input({"control": "range", "value": ALL}, "n_clicks"),
        Input({"control": "mode", "value": ALL}, "n_clicks"),
        Input("apply", "n_clicks"),
        Input("chosen", "data"),
        State("from", "value"),
        State("to", "value"),
        prevent_initial_call=True,
    )
    async def state(
        search: str | None,
        browser: Browser | None,
        _ranges: Any,
        _modes: Any,
        _applied: int | None,
        chosen: list[str] | None,
        since: str | None,
        until: str | None,
    ) -> tuple[Any, ...]:
        if browser is None:
            raise PreventUpdate
        now, zone = utc_now(), zone_of(browser)
        view = read_view(search, now, zone).view
        match ctx.triggered_id:
            case {"control": "range", "value": value}:
                if value == CUSTOM:
                    return _custom(view, zone, now)
                view = replace(view, since=value, until="now", zoom=())
            case {"control": "mode", "value": value}:
                view = replace(view, mode=Mode(value))
            case "apply":
                ends = _local(since, zone), _local(until, zone)
                if trouble := range_trouble(*ends):
                    return (*_UNCHANGED, trouble)
                begin, end = (f"{one:%Y-%m-%dT%H:%MZ}" for one in ends if one is not None)
                view = replace(view, since=begin, until=end, zoom=())
            case "chosen":
                names, tags = _chosen(chosen or ())
                view = replace(view, sources=names, tags=tags)
            case _:
                known = await asyncio.to_thread(_known, engine)
                return _controls(view, known, zone, now)
        set_props("url", {"search": write_view(view)})
        return (*_UNCHANGED, "")


def _controls(
    view: View, known: Sequence[HistorySource], zone: tzinfo, now: datetime
) -> tuple[Any, ...]:
    """The controls as the view has them."""
    names = [one.name for one in known]
    tags = sorted({tag for one in known for tag in one.tags})
    choices = [{"label": name, "values": [name]} for name in names]
    choices += [{"label": f"tag {tag}, as one", "values": [_AS_ONE + tag]} for tag in tags]
    choices += [
        {
            "label": f"tag {tag}, each source",
            "values": [one.name for one in known if tag in one.tags],
        }
        for tag in tags
    ]
    chosen = [name for name in view.sources if name in names]
    chosen += [_AS_ONE + tag for tag in view.tags if tag in tags]
    offered = {"choices": choices, "chosen": chosen}
    since, until = (_input(one, zone) for one in view.whole(now))
    range_ = preset(view)
    modes = [_pressed(one == view.mode) for one in MODES.values()]
    return (_ranges(range_), modes, offered, since, until, range_ != CUSTOM, "")


def _custom(view: View, zone: tzinfo, now: datetime) -> tuple[Any, ...]:
    """The range as it is, to be changed."""
    since, until = (_input(one, zone) for one in view.whole(now))
    return (_ranges(CUSTOM), _UNCHANGED[1], no_update, since, until, False, "")


def _ranges(chosen: str) -> list[str]:
    return [_pressed(one == chosen) for one in RANGES.values()]


def _pressed(holds: bool) -> str:
    """As aria-pressed has it."""
    return "true" if holds else "false"


def _add_answer(app: Dash, engine: Engine) -> None:
    @app.callback(
        Output("trouble", "children"),
        Output("notes", "children"),
        Output("empty", "children"),
        Output("empty", "hidden"),
        Output("results", "hidden"),
        Output("lead", "children"),
        Output("span", "children"),
        Output("legend", "children"),
        Output("per-source", "children"),
        Output({"part": "figure", "slot": ALL}, "hidden"),
        Output({"part": "name", "slot": ALL}, "children"),
        Output({"part": "caption", "slot": ALL}, "children"),
        Output({"part": "graph", "slot": ALL}, "figure"),
        Output({"part": "turn", "slot": ALL}, "data"),
        Output("refresh", "disabled"),
        Input("url", "search"),
        Input("browser", "data"),
        Input("refresh", "n_intervals"),
        State({"part": "turn", "slot": ALL}, "data"),
        prevent_initial_call=True,
    )
    async def answered(
        search: str | None, browser: Browser | None, _refreshed: int | None, last: Turns
    ) -> tuple[Any, ...]:
        if browser is None:
            raise PreventUpdate
        asked = read_view(search, utc_now(), zone_of(browser))
        enter_locale(str(browser.get("locale") or ""))
        try:
            return await asyncio.to_thread(shown, engine, asked, browser, last)
        except MoodlineError as exc:
            # What is on the page stays there when it cannot be refreshed.
            return trouble_shown(exc, asked.notes, keep=ctx.triggered_id == "refresh")


def _add_data_tables(app: Dash, engine: Engine) -> None:
    """The tables of the charts: the browser asks for those that are open, when a chart changes."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("moodline", "wanted"),
        Output({"part": "wanted", "slot": MATCH}, "data"),
        Input({"part": "summary", "slot": MATCH}, "n_clicks"),
        Input({"part": "turn", "slot": MATCH}, "data"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output({"part": "data", "slot": MATCH}, "children"),
        Input({"part": "wanted", "slot": MATCH}, "data"),
        State({"part": "wanted", "slot": MATCH}, "id"),
        State("url", "search"),
        State("browser", "data"),
        prevent_initial_call=True,
    )
    async def data(
        _wanted: Any, own_id: dict[str, Any], search: str | None, browser: Browser
    ) -> Any:
        zone, now = zone_of(browser), utc_now()
        view = read_view(search, now, zone).view
        enter_locale(str(browser.get("locale") or ""))
        try:
            return await asyncio.to_thread(chart_table, engine, view, zone, now, own_id["slot"])
        except MoodlineError as exc:
            return html.P(exc.line(), className="trouble")


def _known(engine: Engine) -> Sequence[HistorySource]:
    """All sources to choose from; none when they cannot be read, which the answer says."""
    try:
        return history_sources(engine)
    except MoodlineError:
        return ()


def _chosen(values: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names, and the tags that are a series each."""
    names = tuple(one for one in values if not one.startswith(_AS_ONE))
    tags = tuple(one.removeprefix(_AS_ONE) for one in values if one.startswith(_AS_ONE))
    return names, tags


def _input(at: datetime, zone: tzinfo) -> str:
    """A moment as an input for local date and time has it."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"


def _local(text: str | None, zone: tzinfo) -> datetime | None:
    """What such an input has, as a moment, UTC."""
    try:
        return datetime.fromisoformat(text or "").replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
