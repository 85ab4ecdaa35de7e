"""The layout of a chart: its axes and captions, and the style that it is drawn with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any, Final

from analytics.history.coverage import coverage
from analytics.history.measures import Measures
from analytics.history.timeline import Bucket
from dashboard.language.words import N_, _
from dashboard.trends.charts.axis_clock import AxisClock
from dashboard.trends.charts.direct_labels import margin_px
from dashboard.trends.charts.scale import Scale, is_whole
from dashboard.trends.marks.alert_marks import AlertMark
from dashboard.trends.view import Mode
from dashboard.web.number_format import date_format, percent, separators, signed
from dashboard.web.palette import Palette
from records.markers import StoredMarker
from records.rollups.windows import DAY_S

COVERAGE: Final = "coverage"
VALENCE: Final = N_("derived valence")
_FONT: Final = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif'


@dataclass(frozen=True, slots=True)
class Style:
    """Drawing options. touch: dragging scrolls the page instead of zooming. narrow: for a phone.

    revision: identifies the view; a zoom lasts while it is the same. only: the one label to
    draw, or "" for all.
    """

    palette: Palette
    zone: tzinfo
    mode: Mode
    touch: bool = False
    narrow: bool = False
    revision: str = ""
    only: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """Where the plots lie above each other, in parts of the height, from the bottom."""

    coverage_to: float
    valence_from: float
    valence_to: float
    stack_from: float


_WHOLE_ROWS: Final = Rows(0.03, 0.13, 0.31, 0.41)
"""Coverage is a thin strip while nothing is missing."""
_PARTLY_ROWS: Final = Rows(0.11, 0.2, 0.35, 0.45)


@dataclass(frozen=True, slots=True)
class ChartData:
    """The buckets of one chart. until: the end of the range.

    before: for each bucket the measures of the earlier time; () if there is no comparison.
    alerts: those that fired. markers: in the order of their begin.
    """

    buckets: Sequence[Bucket]
    step_s: int
    until: datetime
    before: Sequence[Measures | None] = ()
    alerts: Sequence[AlertMark] = ()
    markers: Sequence[StoredMarker] = ()


def figure_layout(data: ChartData, scale: Scale, style: Style, clock: AxisClock) -> dict[str, Any]:
    """Return the layout of three plots on one time axis."""
    colours, whole = style.palette, is_whole(data.buckets)
    rows = _rows(scale, whole=whole)
    axis = {
        "fixedrange": True,
        "gridcolor": colours.grid,
        "zeroline": False,
        "tickfont": {"size": 11},
    }
    return {
        "separators": separators(),
        "barmode": "stack",
        "bargap": 0,
        "autosize": True,
        "margin": {"l": 44, "r": 8 if style.narrow else margin_px(), "t": 24, "b": 40},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": _FONT, "size": 12, "color": colours.text},
        "showlegend": False,
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": colours.paper, "bordercolor": colours.grid},
        "dragmode": False if style.touch else "zoom",
        "uirevision": style.revision,
        "meta": {"offset_s": clock.offset_s, "step_s": data.step_s},
        "xaxis": _time_axis(data, style, clock),
        "yaxis": axis
        | {
            "domain": [rows.stack_from, 1],
            "range": [0, scale.top],
            "nticks": 4,
        }
        | ({"tickformat": ".0%", "tickvals": [0, 0.5, 1]} if style.mode.shows_shares else {}),
        "yaxis2": axis
        | {"domain": [0, rows.coverage_to], "range": [0, 1]}
        | ({"tickvals": []} if whole else {"tickvals": [0, 1], "tickformat": ".0%"}),
        "yaxis3": _valence_axis(axis, rows, scale),
        "annotations": [
            _caption(scale.name, 1, style),
            _caption(_(VALENCE), rows.valence_to, style),
            _caption(_coverage_caption(data), rows.coverage_to, style),
        ],
    }


def _rows(scale: Scale, *, whole: bool) -> Rows:
    """Return where the plots lie. The stacks of all charts of a page are equally high."""
    if scale.whole:
        return _WHOLE_ROWS
    return replace(_PARTLY_ROWS, coverage_to=_WHOLE_ROWS.coverage_to) if whole else _PARTLY_ROWS


def _valence_axis(axis: Mapping[str, Any], rows: Rows, scale: Scale) -> dict[str, Any]:
    """Return the axis of valence: its ends and, if it has room, a line at zero."""
    low, high = scale.valence
    room = (high - low) / 4
    ticks = [low, *([0.0] if low + room < 0 < high - room else []), high]
    return {
        **axis,
        "domain": [rows.valence_from, rows.valence_to],
        "range": [low - room / 4, high + room / 4],
        "tickvals": ticks,
        "ticktext": ["0" if not one else signed(one) for one in ticks],
    }


def _coverage_caption(data: ChartData) -> str:
    """Return the name of the strip of coverage, with what it adds up to."""
    share = coverage(
        sum(one.measures.analyzed_s for one in data.buckets),
        sum(one.expected_s for one in data.buckets),
    )
    return _("coverage: {share}", share=percent(share))


def _time_axis(data: ChartData, style: Style, clock: AxisClock) -> dict[str, Any]:
    colours = style.palette
    begin, end = data.buckets[0].begin, data.buckets[-1].end
    return {
        "type": "date",
        "anchor": "y2",
        "autorange": True,
        "autorangeoptions": {"clipmin": clock.position(begin), "clipmax": clock.position(end)},
        "showgrid": False,
        "spikecolor": colours.text,
        "spikedash": "solid",
        "spikethickness": -1,
        "ticks": "outside",
        "tickcolor": colours.grid,
        "linecolor": colours.grid,
        "hoverformat": date_format("yMMMEd")
        if data.step_s >= DAY_S
        else f"{date_format('MMMEd')} %H:%M",
        "tickfont": {"size": 11},
        "tickformatstops": _tick_formats(),
        "nticks": 6 if style.narrow else 8,
        "tickangle": 0,
    }


def _tick_formats() -> list[dict[str, Any]]:
    """Label hours over days, days over years, and months over years."""
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
