"""The callbacks of the page: the read API answers the view in the address."""

import asyncio
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, ctx
from dash.exceptions import PreventUpdate
from sqlalchemy import Engine

from contracts.errors import MoodlineError
from contracts.times import utc_now
from dashboard.trends.address import read_view
from dashboard.trends.browser import ViewerBrowser
from dashboard.trends.controls import add_controls
from dashboard.trends.outputs import answer_update, error_update
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
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("moodline", "charts"),
        Input("drawing", "data"),
        prevent_initial_call=True,
    )
    add_controls(app, backend.engine)
    _add_answer(app, backend.engine)


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
        Output("drawing", "data"),
        Output("refresh", "disabled"),
        Input("url", "search"),
        Input("browser", "data"),
        Input("refresh", "n_intervals"),
        prevent_initial_call=True,
    )
    async def answer(search: str | None, browser: Any, _refreshed: Any) -> tuple[Any, ...]:
        if browser is None:
            raise PreventUpdate
        viewer = ViewerBrowser.read(browser)
        asked = read_view(search, utc_now(), viewer.zone)
        try:
            update = await asyncio.to_thread(answer_update, engine, asked, viewer)
        except MoodlineError as exc:
            # If a refresh fails, the results stay on the page.
            update = error_update(exc, asked.notes, keep=ctx.triggered_id == "refresh")
        return update.outputs()
