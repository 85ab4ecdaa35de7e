"""The callbacks of the page: the read API answers the view in the address."""

import asyncio
from dataclasses import asdict
from typing import Any

from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output, State, ctx
from dash.exceptions import PreventUpdate
from sqlalchemy import Engine

from contracts.errors import MoodlineError
from contracts.times import utc_now
from dashboard.language.core.recognition import known
from dashboard.trends.address import read_view
from dashboard.trends.browser import ViewerBrowser
from dashboard.trends.controls import add_controls
from dashboard.trends.outputs import answer_update, chart_table, error_update, read_drawn
from dashboard.trends.page import SLOTS
from serving.backend import Backend


def add_callbacks(app: Dash, backend: Backend) -> None:
    """Connect the page to the read API. Queries run in threads, so that the server stays free."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("moodline", "browser"),
        Output("browser", "data"),
        Input("url", "pathname"),
        State("default-view", "data"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("moodline", "extras"),
        Output("extras-asked", "data"),
        Input("url", "search"),
        Input("lead", "children"),
        prevent_initial_call=True,
    )
    add_controls(app, backend.engine)
    _add_answer(app, backend.engine)
    _add_charts(app)
    _add_data_tables(app, backend.engine)


def _add_answer(app: Dash, engine: Engine) -> None:
    @app.callback(  # The order of the fields of PageUpdate.
        Output("trouble", "children"),
        Output("notes", "children"),
        Output("empty", "children"),
        Output("empty", "hidden"),
        Output("results", "hidden"),
        Output("verdict", "children"),
        Output("basis", "children"),
        Output("lead", "children"),
        Output("span", "children"),
        Output("legend", "children"),
        Output("per-source", "children"),
        Output("charts", "className"),
        Output({"part": "name", "slot": ALL}, "children"),
        Output({"part": "caption", "slot": ALL}, "children"),
        Output({"part": "chart", "slot": ALL}, "data"),
        Output({"part": "drawn", "slot": ALL}, "data"),
        Output("refresh", "disabled"),
        Input("url", "search"),
        Input("browser", "data"),
        Input("refresh", "n_intervals"),
        State({"part": "drawn", "slot": ALL}, "data"),
        prevent_initial_call=True,
    )
    async def answer(
        search: str | None,
        browser: Any,
        _refreshed: Any,
        drawn: Any,
    ) -> tuple[Any, ...]:
        if browser is None:
            raise PreventUpdate
        viewer = ViewerBrowser.read(browser)
        asked = read_view(search, utc_now(), viewer.zone)
        try:
            charts = read_drawn(drawn)
            update = await asyncio.to_thread(answer_update, engine, asked, viewer, charts)
        except MoodlineError as exc:
            # If a refresh fails, the results stay on the page.
            update = error_update(exc, asked.notes, keep=ctx.triggered_id == "refresh")
        return update.outputs()


def _add_charts(app: Dash) -> None:
    """Draw the charts of an answer in the browser, which knows their zoom.

    Not as Dash's patches: one that comes after its page was left is an error.
    """
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("moodline", "chart"),
        Output({"part": "figure", "slot": MATCH}, "hidden"),
        Output({"part": "graph", "slot": MATCH}, "figure"),
        Input({"part": "chart", "slot": MATCH}, "data"),
        State({"part": "graph", "slot": MATCH}, "figure"),
        prevent_initial_call=True,
    )


def _add_data_tables(app: Dash, engine: Engine) -> None:
    """Add the tables of the charts. A browser asks for an open one each time its chart changes."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("moodline", "wanted"),
        Output({"part": "wanted", "slot": MATCH}, "data"),
        Input({"part": "summary", "slot": MATCH}, "n_clicks"),
        Input({"part": "drawn", "slot": MATCH}, "data"),
        prevent_initial_call=True,
    )

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("moodline", "tables"),
        Input({"part": "table", "slot": ALL}, "data"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output({"part": "table", "slot": MATCH}, "data"),
        Input({"part": "wanted", "slot": MATCH}, "data"),
        State({"part": "wanted", "slot": MATCH}, "id"),
        State("url", "search"),
        State("browser", "data"),
        prevent_initial_call=True,
    )
    async def data(
        _wanted: Any, own_id: Any, search: str | None, browser: Any
    ) -> dict[str, Any] | None:
        slot = own_id.get("slot") if isinstance(own_id, dict) else None
        if not isinstance(slot, int) or slot not in SLOTS:
            raise PreventUpdate
        viewer = ViewerBrowser.read(browser)
        view = read_view(search, utc_now(), viewer.zone).view
        try:
            table = await asyncio.to_thread(chart_table, engine, view, viewer.zone, slot)
        except MoodlineError as exc:
            return {"error": known(exc.line())}
        return asdict(table) if table else None
