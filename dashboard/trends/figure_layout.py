"""The frame of a chart: its axes and texts, and what it is drawn with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from analytics.history.measures import Measures
from analytics.history.trends import Bucket
from dashboard.trends.axis_clock import AxisClock
from dashboard.trends.direct_labels import ROOM_PX
from dashboard.trends.view import Mode
from dashboard.web.number_format import date_format, separators
from dashboard.web.palette import Palette
from records.windows import DAY_S

COVERAGE: Final = "coverage"
VALENCE: Final = "derived valence"
_STACK_FROM: Final = 0.43
_VALENCE_FROM, _VALENCE_TO = 0.2, 0.33
_COVERAGE_TO: Final = 0.11
_FONT: Final = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif'


@dataclass(frozen=True, slots=True)
class Style:
    """How to draw. touch: a finger scrolls the page, it does not zoom. narrow: a telephone's width.

    revision: of the view; a zoom lasts as long as that does. only: the one label to draw, or "".
    """

    palette: Palette
    zone: tzinfo
    mode: Mode
    touch: bool = False
    narrow: bool = False
    revision: str = ""
    only: str = ""


@dataclass(frozen=True, slots=True)
class Scale:
    """The axis of person-time, one for all charts of a page: `top` of `unit_s` seconds each."""

    unit_s: float
    name: str
    top: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """One chart's buckets. until: where the range ends.

    before: for each bucket what was there weeks before; () for nothing to compare.
    """

    buckets: Sequence[Bucket]
    step_s: int
    until: datetime
    before: Sequence[Measures | None] = ()


def figure_layout(drawn: Drawn, scale: Scale, style: Style, clock: AxisClock) -> dict[str, Any]:
    """Three plots on one axis of time; what goes on in them is theirs."""
    colours = style.palette
    axis = {
        "fixedrange": True,
        "gridcolor": colours.grid,
        "zeroline": False,
        "tickfont": {"size": 11},
    }
    share = style.mode not in {Mode.SECONDS, Mode.RATE}
    begin, end = drawn.buckets[0].begin, drawn.buckets[-1].end
    return {
        "separators": separators(),
        "barmode": "stack",
        "bargap": 0,
        "autosize": True,
        "margin": {"l": 44, "r": 8 if style.narrow else ROOM_PX, "t": 24, "b": 40},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": _FONT, "size": 12, "color": colours.text},
        "showlegend": False,
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": colours.paper, "bordercolor": colours.grid},
        "dragmode": False if style.touch else "zoom",
        "uirevision": style.revision,
        "meta": {"offset_s": clock.offset_s},
        "xaxis": {
            "type": "date",
            "anchor": "y2",
            "autorange": True,
            "autorangeoptions": {"clipmin": clock.place(begin), "clipmax": clock.place(end)},
            "showgrid": False,
            "spikecolor": colours.text,
            "spikedash": "solid",
            "spikethickness": -1,
            "ticks": "outside",
            "tickcolor": colours.grid,
            "linecolor": colours.grid,
            "hoverformat": date_format("yMMMEd")
            if drawn.step_s >= DAY_S
            else f"{date_format('MMMEd')} %H:%M",
            "tickfont": {"size": 11},
            "tickformatstops": _ticks(),
            "nticks": 6 if style.narrow else 8,
            "tickangle": 0,
        },
        "yaxis": axis
        | {
            "domain": [_STACK_FROM, 1],
            "range": [0, scale.top],
            "nticks": 4,
        }
        | ({"tickformat": ".0%", "tickvals": [0, 0.5, 1]} if share else {}),
        "yaxis2": axis
        | {"domain": [0, _COVERAGE_TO], "range": [0, 1], "tickvals": [0, 1], "tickformat": ".0%"},
        "yaxis3": axis
        | {
            "domain": [_VALENCE_FROM, _VALENCE_TO],
            "range": [-1.1, 1.1],
            "tickvals": [-1, 0, 1],
            "ticktext": ["−1", "0", "+1"],
        },
        "annotations": [
            _caption(scale.name, 1, style),
            _caption(VALENCE, _VALENCE_TO, style),
            _caption(COVERAGE, _COVERAGE_TO, style),
        ],
    }


def _ticks() -> list[dict[str, Any]]:
    """Hours over days, days and months over years."""
    day = date_format("MMMd")
    return [
        {"dtickrange": [None, DAY_S * 1000 - 1], "value": f"%H:%M\n{day}"},
        {"dtickrange": [DAY_S * 1000, 27 * DAY_S * 1000], "value": f"{day}\n%Y"},
        {"dtickrange": [27 * DAY_S * 1000, None], "value": "%b\n%Y"},
    ]


def _caption(text: str, y: float, style: Style) -> dict[str, Any]:
    return {
        "text": text,
        "x": 0,
        "y": y,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 11, "color": style.palette.text},
    }
