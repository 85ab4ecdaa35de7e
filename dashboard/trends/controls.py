"""The controls of the page: their state is the view in the address."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, no_update, set_props
from dash.exceptions import PreventUpdate
from sqlalchemy import Engine

from analytics.comparison.earlier_times import Against
from analytics.comparison.written_ranges import range_error
from analytics.history.source_selection import HistorySource, history_sources, present_names
from analytics.snapshots import in_snapshot
from contracts.errors import MoodlineError
from contracts.times import utc_now
from dashboard.language.words import _, n_
from dashboard.trends.address import read_view, write_view
from dashboard.trends.browser import ViewerBrowser
from dashboard.trends.page import COMPARISONS, MODES, RANGES
from dashboard.trends.view import CUSTOM, PRESETS, Mode, View, preset

_ONE_SERIES: Final = "\u2060"
"""Marks a tag chosen as one series; no name can contain it."""


@dataclass(frozen=True, slots=True)
class ControlUpdate:
    """The outputs of the controls' callback, in their order. By default all stay unchanged."""

    ranges: Any = (no_update,) * len(RANGES)
    comparisons: Any = (no_update,) * len(COMPARISONS)
    modes: Any = (no_update,) * len(MODES)
    offered: Any = no_update
    since: Any = no_update
    until: Any = no_update
    custom_hidden: Any = no_update
    compare_since: Any = no_update
    compare_until: Any = no_update
    compare_hidden: Any = no_update
    range_error: str = ""
    opener: Any = no_update

    def outputs(self) -> tuple[Any, ...]:
        """Return the values as Dash takes them."""
        return tuple(getattr(self, one.name) for one in fields(self))


def add_controls(app: Dash, engine: Engine) -> None:
    """Add the callback that writes the address from the controls, and the controls from it."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("moodline", "offered"), Input("offered", "data")
    )

    # The address is not an output: the callbacks that read it would wait for this one.
    @app.callback(  # The order of the fields of ControlUpdate.
        Output({"control": "range", "value": ALL}, "aria-pressed"),
        Output({"control": "compare", "value": ALL}, "aria-pressed"),
        Output({"control": "mode", "value": ALL}, "aria-pressed"),
        Output("offered", "data"),
        Output("from", "value"),
        Output("to", "value"),
        Output("custom", "hidden"),
        Output("compare-from", "value"),
        Output("compare-to", "value"),
        Output("compare-custom", "hidden"),
        Output("range-trouble", "children"),
        Output("controls-opener", "children"),
        Input("url", "search"),
        Input("browser", "data"),
        Input({"control": "range", "value": ALL}, "n_clicks"),
        Input({"control": "compare", "value": ALL}, "n_clicks"),
        Input({"control": "mode", "value": ALL}, "n_clicks"),
        Input("apply", "n_clicks"),
        Input("compare-apply", "n_clicks"),
        Input("chosen", "data"),
        State("from", "value"),
        State("to", "value"),
        State("compare-from", "value"),
        State("compare-to", "value"),
        prevent_initial_call=True,
    )
    async def controls(search: str | None, browser: Any, *values: Any) -> tuple[Any, ...]:
        if browser is None:
            raise PreventUpdate
        chosen, *ends = values[-5:]
        now, zone = utc_now(), ViewerBrowser.read(browser).zone
        view = read_view(search, now, zone).view
        trigger = ctx.triggered_id
        asked: View | str
        match trigger:
            case {"control": "range" | "compare", "value": value} if value == CUSTOM:
                return _opened_ends(view, trigger["control"], zone, now).outputs()
            case {"control": str(), "value": str()}:
                asked = _clicked(view, trigger["control"], trigger["value"])
            case "apply" | "compare-apply":
                asked = _typed(view, trigger, ends, zone)
            case "chosen":
                names, tags = _chosen(chosen)
                asked = replace(view, sources=names, tags=tags)
            case _:
                known = await asyncio.to_thread(_known_sources, engine)
                return _controls_of(view, known, zone, now).outputs()
        if isinstance(asked, str):
            return ControlUpdate(range_error=asked).outputs()
        set_props("url", {"search": write_view(asked)})
        return ControlUpdate().outputs()


def _clicked(view: View, control: str, value: str) -> View:
    """Return the view after a click on a button; an unknown one changes nothing."""
    if control == "range" and value in PRESETS.values():
        since, _, until = value.partition("..")
        return replace(view, since=since, until=until, zoom=(), fits=False)
    if control == "compare" and value in [*Against]:
        return replace(view, compare=value)
    if control == "mode" and value in [*Mode]:
        return replace(view, mode=Mode(value))
    return view


def _typed(view: View, button: str, texts: Sequence[Any], zone: tzinfo) -> View | str:
    """Return the view with the ends that were typed, or why they are not a range."""
    compares = button == "compare-apply"
    ends = [_from_input(text, zone) for text in (texts[2:] if compares else texts[:2])]
    if error := range_error(*ends):
        return error
    begin, end = (f"{one:%Y-%m-%dT%H:%MZ}" for one in ends if one is not None)
    if compares:
        return replace(view, compare=f"{begin}/{end}")
    return replace(view, since=begin, until=end, zoom=(), fits=False)


def _controls_of(
    view: View, known: Sequence[HistorySource], zone: tzinfo, now: datetime
) -> ControlUpdate:
    """Return the controls in the state of the view."""
    names = [one.name for one in known]
    tags = sorted({tag for one in known for tag in one.tags})
    choices = [{"label": name, "values": [name]} for name in names]
    choices += [
        {"label": _("tag {tag}, as one", tag=tag), "values": [_ONE_SERIES + tag]} for tag in tags
    ]
    choices += [
        {
            "label": _("tag {tag}, each source", tag=tag),
            "values": [one.name for one in known if tag in one.tags],
        }
        for tag in tags
    ]
    chosen = [name for name in present_names(known, view.sources) if name in names]
    chosen += [_ONE_SERIES + tag for tag in view.tags if tag in tags]
    since, until = (_input_value(one, zone) for one in view.full_range(now, zone))
    chosen_range, compares = preset(view), _comparison(view)
    return ControlUpdate(
        _pressed_of(RANGES, chosen_range),
        _pressed_of(COMPARISONS, compares),
        [_pressed(one == view.mode) for one in MODES.values()],
        {"choices": choices, "chosen": chosen},
        since,
        until,
        chosen_range != CUSTOM,
        *_earlier_inputs(view, zone, now),
        compares != CUSTOM,
        opener=_summary(view, len(chosen)),
    )


def _opened_ends(view: View, control: str, zone: tzinfo, now: datetime) -> ControlUpdate:
    """Return the inputs of a range, filled with the current one."""
    if control == "compare":
        since, until = _earlier_inputs(view, zone, now)
        return ControlUpdate(
            comparisons=_pressed_of(COMPARISONS, CUSTOM),
            compare_since=since,
            compare_until=until,
            compare_hidden=False,
        )
    since, until = (_input_value(one, zone) for one in view.full_range(now, zone))
    return ControlUpdate(
        ranges=_pressed_of(RANGES, CUSTOM), since=since, until=until, custom_hidden=False
    )


def _earlier_inputs(view: View, zone: tzinfo, now: datetime) -> tuple[str, str]:
    """Return the ends of the time that the view is compared with; "" if it is not."""
    earlier = view.earlier(view.span(now, zone), zone)
    if earlier is None:
        return "", ""
    return _input_value(earlier.since, zone), _input_value(earlier.until, zone)


def _comparison(view: View) -> str:
    """Return the comparison's button."""
    return CUSTOM if "/" in view.compare else view.compare


def _summary(view: View, chosen: int) -> str:
    """Return the view in a few words: its range, its comparison and its sources."""
    ranges = {value: name for name, value in RANGES.items()}
    comparisons = {value: name for name, value in COMPARISONS.items()}
    sources = n_("{count} chosen", "{count} chosen", chosen) if chosen else _("all sources")
    against = _("compared with: {name}", name=_(comparisons[_comparison(view)]))
    return f"{_(ranges[preset(view)])} · {against} · {sources}"


def _pressed_of(choices: Mapping[str, str], chosen: str) -> list[str]:
    return [_pressed(one == chosen) for one in choices.values()]


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
