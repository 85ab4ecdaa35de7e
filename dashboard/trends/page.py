"""The layout of the page Trends. Its callbacks fill it."""

from collections.abc import Mapping
from typing import Any, Final

from dash import dcc, html

from analytics.comparison.earlier_times import Against
from contracts.errors import MoodlineError
from dashboard.language.words import N_, _
from dashboard.trends.view import CUSTOM, PRESETS, Mode
from dashboard.web.bundle import PLOTLY_PATH
from dashboard.web.page import Visit, attributes
from records.users.saved_views import default_query
from serving.access import Role, current_account
from serving.downloads import has_parquet

REFRESH_S: Final = 30
_VALENCE: Final = N_(
    "Derived valence is computed, not measured: the pleasantness that people gave the names of the "
    "seven expressions (Bradley and Lang, 1999, Affective Norms for English Words), weighted with "
    "the model's mean probabilities. −1 is unpleasant, +1 is pleasant."
)
_COUNTS: Final = N_(
    "Person-time: the seconds that each face was in view, added up. Tracks: one for each stay of a "
    "face in view; nobody is recognised, so a person who returns is counted again. Coverage: the "
    "analysed share of the expected time, which is the length of a recording, and for a camera the "
    "time since it was added without its pauses. Left out of all numbers: still faces, which are "
    "pictures or people who do not move, and faces that were seen in one frame only."
)
RANGES: Final = {**PRESETS, N_("Custom"): CUSTOM}
COMPARISONS: Final = {
    N_("Period before"): Against.PREVIOUS.value,
    N_("Same weekday"): Against.WEEKDAY.value,
    N_("Any range"): CUSTOM,
    N_("Nothing"): Against.NONE.value,
}
MODES: Final = {
    N_("Share"): Mode.SHARE,
    N_("Lines"): Mode.LINES,
    N_("Person-seconds"): Mode.SECONDS,
    N_("Per covered hour"): Mode.RATE,
}


_DATE_TIME: Final[Any] = "datetime-local"
"""An input type that Dash's type hints do not have."""


def layout(visit: Visit) -> html.Div:
    """Return the empty page."""
    return html.Div(
        [
            dcc.Location(id="url", refresh=False),
            dcc.Store(id="browser"),
            dcc.Store(id="default-view", data=_default_view(visit)),
            dcc.Store(id="extras-asked"),
            dcc.Store(id="drawing"),
            dcc.Interval(id="refresh", interval=REFRESH_S * 1000),
            _opener(),
            _controls(),
            *_messages(),
            _results(),
        ]
    )


def _opener() -> html.Button:
    """Return the button that opens the controls on a phone; it names what is chosen."""
    return html.Button(
        _("Range and sources"),
        id="controls-opener",
        type="button",
        className="opener controls-opener",
        **attributes(aria_expanded="false", aria_controls="controls"),
    )


def _controls() -> html.Section:
    return html.Section(
        [
            _segments("range", _("Range"), RANGES),
            _segments("compare", _("Compared with"), COMPARISONS),
            _sources(),
            _saved_views(),
            _segments("mode", _("Show"), MODES),
            _ends("custom", ("from", "to"), (_("From"), _("To")), ("apply", _("Show range"))),
            _ends(
                "compare-custom",
                ("compare-from", "compare-to"),
                (_("Compare from"), _("Compare to")),
                ("compare-apply", _("Compare")),
            ),
            html.P(id="range-trouble", role="alert", className="trouble"),
        ],
        id="controls",
        className="controls",
        **attributes(aria_label=_("Range, comparison, sources and mode")),
    )


def _segments(control: str, label: str, choices: Mapping[str, str]) -> html.Fieldset:
    """Return a button for each choice; the current one is pressed."""
    buttons = [
        html.Button(
            _(name), id={"control": control, "value": str(value)}, type="button", n_clicks=0
        )
        for name, value in choices.items()
    ]
    return html.Fieldset(
        [html.Legend(label), html.Div(buttons, className="segments")], className="control"
    )


def _sources() -> html.Div:
    """Return the place of the list that source_list.js makes from `offered` into `chosen`."""
    return html.Div(
        [
            dcc.Store(id="offered"),
            dcc.Store(id="chosen"),
            html.Span(_("Sources and tags"), id="sources-label", className="label"),
            html.Div(id="sources"),
        ],
        className="control control-sources",
    )


def _saved_views() -> html.Div:
    """Return the place of the list that saved_views.js makes."""
    return html.Div(
        [html.Span(_("Saved view"), id="views-label", className="label"), html.Div(id="views")],
        className="control control-views",
    )


def _default_view(visit: Visit) -> str:
    """Return the query that the user's Trends open with; "" for none, or if it cannot be read."""
    try:
        return default_query(visit.backend.engine, current_account().name)
    except MoodlineError:
        return ""  # The page itself shows that the database is away.


def _ends(
    panel: str, inputs: tuple[str, str], labels: tuple[str, str], button: tuple[str, str]
) -> html.Div:
    """Return inputs for the two ends of a range. button: its id and its text."""
    ends = [
        html.Div(
            [html.Label(label, htmlFor=name), dcc.Input(id=name, type=_DATE_TIME)],
            className="control",
        )
        for name, label in zip(inputs, labels, strict=True)
    ]
    done = html.Button(button[1], id=button[0], type="button")
    return html.Div([*ends, done], id=panel, className="custom", hidden=True)


def _messages() -> list[Any]:
    return [
        html.Div(id="trouble", role="alert", className="trouble"),
        html.Div(id="notes", role="status", className="notes"),
        html.Div(id="empty", className="empty", hidden=True),
    ]


def _results() -> html.Div:
    return html.Div(
        [
            html.P(id="verdict", className="lead"),
            html.P(id="basis", className="basis"),
            html.P(id="lead", className="summary"),
            html.P(id="span", className="span"),
            html.Ul(
                id="legend", className="legend", **attributes(aria_label=_("Legend with totals"))
            ),
            html.Div(
                id="trends-tools",
                className="toolbar",
                **attributes(data_parquet="yes" if has_parquet() else ""),
            ),
            html.Div(id="charts", className="charts", **attributes(data_plotly=PLOTLY_PATH)),
            html.Div(
                id="trends-extras",
                className="extras",
                **attributes(
                    data_operator="yes" if current_account().role.covers(Role.OPERATOR) else ""
                ),
            ),
            html.Section(
                [
                    html.H2(_("Per source or tag")),
                    html.Div(id="per-source"),
                    html.P(_(_COUNTS), className="help"),
                    html.P(_(_VALENCE), className="help", id="valence-help"),
                ],
                className="per-source",
            ),
        ],
        id="results",
        hidden=True,
    )
