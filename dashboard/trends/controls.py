"""The controls of the page: their state is the view in the address."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, no_update, set_props
from dash.exceptions import PreventUpdate
from sqlalchemy import Engine

from analytics.history.source_selection import HistorySource, history_sources
from analytics.snapshots import in_snapshot
from contracts.errors import MoodlineError
from contracts.times import utc_now
from dashboard.trends.browser import ViewerBrowser
from dashboard.trends.page import MODES, RANGES
from dashboard.trends.view import CUSTOM, Mode, View, preset, range_error, read_view, write_view

_ONE_SERIES: Final = "\u2060"
"""Marks a tag chosen as one series; no name can contain it."""


@dataclass(frozen=True, slots=True)
class ControlUpdate:
    """The outputs of the controls' callback, in their order. By default all stay unchanged."""

    ranges: Any = (no_update,) * len(RANGES)
    modes: Any = (no_update,) * len(MODES)
    offered: Any = no_update
    since: Any = no_update
    until: Any = no_update
    custom_hidden: Any = no_update
    range_error: str = ""

    def outputs(self) -> tuple[Any, ...]:
        """Return the values as Dash takes them."""
        return tuple(getattr(self, one.name) for one in fields(self))


def add_controls(app: Dash, engine: Engine) -> None:
    """Add the callback that writes the address from the controls, and the controls from it."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("moodline", "offered"), Input("offered", "data")
    )

    # The address is not an output: the callbacks that read it would wait for this one.
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
    async def controls(
        search: str | None,
        browser: dict[str, Any] | None,
        _ranges: Any,
        _modes: Any,
        _applied: int | None,
        chosen: Any,
        since: str | None,
        until: str | None,
    ) -> tuple[Any, ...]:
        if browser is None:
            raise PreventUpdate
        now, zone = utc_now(), ViewerBrowser.read(browser).zone
        view = read_view(search, now, zone).view
        match ctx.triggered_id:
            case {"control": "range", "value": value} if value in [*RANGES.values()]:
                if value == CUSTOM:
                    return _custom_range(view, zone, now).outputs()
                view = replace(view, since=value, until="now", zoom=())
            case {"control": "mode", "value": value} if value in [*Mode]:
                view = replace(view, mode=Mode(value))
            case "apply":
                ends = _from_input(since, zone), _from_input(until, zone)
                if error := range_error(*ends):
                    return ControlUpdate(range_error=error).outputs()
                begin, end = (f"{one:%Y-%m-%dT%H:%MZ}" for one in ends if one is not None)
                view = replace(view, since=begin, until=end, zoom=())
            case "chosen":
                names, tags = _chosen(chosen)
                view = replace(view, sources=names, tags=tags)
            case _:
                known = await asyncio.to_thread(_known_sources, engine)
                return _controls_of(view, known, zone, now).outputs()
        set_props("url", {"search": write_view(view)})
        return ControlUpdate().outputs()


def _controls_of(
    view: View, known: Sequence[HistorySource], zone: tzinfo, now: datetime
) -> ControlUpdate:
    """Return the controls in the state of the view."""
    names = [one.name for one in known]
    tags = sorted({tag for one in known for tag in one.tags})
    choices = [{"label": name, "values": [name]} for name in names]
    choices += [{"label": f"tag {tag}, as one", "values": [_ONE_SERIES + tag]} for tag in tags]
    choices += [
        {
            "label": f"tag {tag}, each source",
            "values": [one.name for one in known if tag in one.tags],
        }
        for tag in tags
    ]
    chosen = [name for name in view.sources if name in names]
    chosen += [_ONE_SERIES + tag for tag in view.tags if tag in tags]
    since, until = (_input_value(one, zone) for one in view.full_range(now))
    chosen_range = preset(view)
    return ControlUpdate(
        _pressed_range(chosen_range),
        [_pressed(one == view.mode) for one in MODES.values()],
        {"choices": choices, "chosen": chosen},
        since,
        until,
        chosen_range != CUSTOM,
    )


def _custom_range(view: View, zone: tzinfo, now: datetime) -> ControlUpdate:
    """Return the inputs of a custom range, filled with the current one."""
    since, until = (_input_value(one, zone) for one in view.full_range(now))
    return ControlUpdate(
        ranges=_pressed_range(CUSTOM), since=since, until=until, custom_hidden=False
    )


def _pressed_range(chosen: str) -> list[str]:
    return [_pressed(one == chosen) for one in RANGES.values()]


def _pressed(holds: bool) -> str:
    """Return the value of aria-pressed."""
    return "true" if holds else "false"


def _known_sources(engine: Engine) -> Sequence[HistorySource]:
    """Return all sources; none if they cannot be read, as the answer then shows the error."""
    try:
        return in_snapshot(engine, history_sources)
    except MoodlineError:
        return ()


def _chosen(given: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the chosen names, and the tags chosen as one series each."""
    values = [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
    names = tuple(one for one in values if not one.startswith(_ONE_SERIES))
    tags = tuple(one.removeprefix(_ONE_SERIES) for one in values if one.startswith(_ONE_SERIES))
    return names, tags


def _input_value(at: datetime, zone: tzinfo) -> str:
    """Return the value of a datetime-local input."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"


def _from_input(text: str | None, zone: tzinfo) -> datetime | None:
    """Return the time in a datetime-local input, UTC; None if it is empty or invalid."""
    try:
        return datetime.fromisoformat(text or "").replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
