"""The page Trends: how expressions moved over a range, and how much of it was seen."""

from collections.abc import Mapping
from typing import Any, Final

from dash import dcc, html

from dashboard.trends.answers import MOST_CHARTS
from dashboard.trends.view import CUSTOM, PRESETS, Mode
from dashboard.web.page import Visit, attributes

REFRESH_S: Final = 30
SLOTS: Final = range(MOST_CHARTS)
_VALENCE: Final = (
    "Derived valence is no measurement. It is computed: how pleasant people rated the words of the "
    "seven expressions to be (Bradley and Lang, 1999, Affective Norms for English Words), weighted "
    "with the model's mean probabilities; −1 is unpleasant, +1 is pleasant."
)
_COUNTS: Final = (
    "Person-time: each person's seconds in the picture, added up. Tracks: people, as long as they "
    "stayed in the picture; nobody is recognised, so who comes back is counted again. Coverage: of "
    "the time that could have been seen, what was analysed. A recording's is its own length, a "
    "camera's is since it was added, but for its pauses."
)
RANGES: Final = {**PRESETS, "Custom": CUSTOM}
MODES: Final = {
    "Share": Mode.SHARE,
    "Lines": Mode.LINES,
    "Person-seconds": Mode.SECONDS,
    "Per covered hour": Mode.RATE,
}


_DATE_TIME: Final[Any] = "datetime-local"
"""Browsers know it, Dash's types do not."""


def layout(_visit: Visit) -> html.Div:
    """The page, empty. What it shows comes from callbacks."""
    return html.Div(
        [
            dcc.Location(id="url", refresh=False),
            dcc.Store(id="browser"),
            dcc.Store(id="extras-asked"),
            dcc.Interval(id="refresh", interval=REFRESH_S * 1000),
            _controls(),
            *_lines(),
            _results(),
        ]
    )


def _controls() -> html.Section:
    return html.Section(
        [
            _segments("range", "Range", RANGES),
            _sources(),
            _segments("mode", "Show", MODES),
            _custom_range(),
        ],
        className="controls",
        **attributes(aria_label="What is shown"),
    )


def _segments(control: str, label: str, choices: Mapping[str, str]) -> html.Fieldset:
    """One of a few, each a button; the one that holds is pressed."""
    buttons = [
        html.Button(name, id={"control": control, "value": str(value)}, type="button", n_clicks=0)
        for name, value in choices.items()
    ]
    return html.Fieldset(
        [html.Legend(label), html.Div(buttons, className="segments")], className="control"
    )


def _sources() -> html.Div:
    """What trends_sources.js makes a list to choose from: offered comes in, chosen goes out."""
    return html.Div(
        [
            dcc.Store(id="offered"),
            dcc.Store(id="chosen"),
            html.Span("Sources and tags", id="sources-label", className="label"),
            html.Div(id="sources"),
        ],
        className="control control-sources",
    )


def _custom_range() -> html.Div:
    ends = [
        html.Div(
            [html.Label(label, htmlFor=name), dcc.Input(id=name, type=_DATE_TIME)],
            className="control",
        )
        for name, label in (("from", "From"), ("to", "To"))
    ]
    button = html.Button("Show range", id="apply", type="button")
    return html.Div(
        [*ends, button, html.P(id="range-trouble", role="alert", className="trouble")],
        id="custom",
        className="custom",
        hidden=True,
    )


def _lines() -> list[Any]:
    return [
        html.Div(id="trouble", role="alert", className="trouble"),
        html.Div(id="notes", role="status", className="notes"),
        html.Div(id="empty", className="empty", hidden=True),
    ]


def _results() -> html.Div:
    return html.Div(
        [
            html.P(id="lead", className="lead"),
            html.P(id="span", className="span"),
            html.Ul(
                id="legend", className="legend", **attributes(aria_label="Legend, with totals")
            ),
            html.Div(id="trends-tools", className="toolbar"),
            html.Div([_chart(slot) for slot in SLOTS], id="charts", className="charts"),
            html.Div(id="trends-extras", className="extras"),
            html.Section(
                [
                    html.H2("Per source or tag"),
                    html.Div(id="per-source"),
                    html.P(_COUNTS, className="help"),
                    html.P(_VALENCE, className="help", id="valence-help"),
                ],
                className="per-source",
            ),
        ],
        id="results",
        hidden=True,
    )


def _chart(slot: int) -> html.Figure:
    """The place of one chart. They stay where they are, so that a zoom outlives a refresh."""
    return html.Figure(
        [
            dcc.Store(id={"part": "turn", "slot": slot}),
            dcc.Store(id={"part": "wanted", "slot": slot}),
            html.H2(id={"part": "name", "slot": slot}),
            html.Figcaption(id={"part": "caption", "slot": slot}),
            dcc.Graph(
                id={"part": "graph", "slot": slot},
                config={"displayModeBar": False, "locale": "viewer"},
                responsive=True,
                style={"height": "380px"},
            ),
            html.Details(
                [
                    html.Summary("Data table", id={"part": "summary", "slot": slot}, n_clicks=0),
                    html.Div(
                        id={"part": "data", "slot": slot},
                        className="scroll",
                        tabIndex=0,
                        role="region",
                        **attributes(aria_label="Data table"),
                    ),
                ]
            ),
        ],
        id={"part": "figure", "slot": slot},
        className="panel",
        hidden=True,
    )
