"""The drawing of markers: a dotted line where one begins, and a band as long as it lasts."""

import textwrap
from html import escape
from typing import Any, Final

from dashboard.language.words import _
from dashboard.trends.charts.axis_clock import AxisClock
from dashboard.trends.charts.layout import ChartData, Style
from records.markers import StoredMarker
from runtime.visible_text import visible

_LINE_CHARACTERS: Final = 48
_MAX_LINES: Final = 4


def marker_trace(data: ChartData, style: Style, clock: AxisClock) -> dict[str, Any]:
    """Return the trace of the chart's markers. The pointer reads the text."""
    begin = data.buckets[0].begin
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "markers",
        "x": [clock.position(max(one.begin_at, begin)) for one in data.markers],
        "y": [0] * len(data.markers),
        "cliponaxis": False,
        "marker": {
            "symbol": "triangle-up",
            "size": 11,
            "color": style.palette.paper,
            "line": {"width": 1.5, "color": style.palette.text},
        },
        "customdata": [_hover(one) for one in data.markers],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def marker_shapes(data: ChartData, style: Style, clock: AxisClock) -> list[dict[str, Any]]:
    """Return the line of each marker, and its band if it lasts."""
    begin, end = data.buckets[0].begin, data.buckets[-1].end
    shapes: list[dict[str, Any]] = []
    for one in data.markers:
        ends = [clock.position(min(max(at, begin), end)) for at in (one.begin_at, one.end_at)]
        line = {"color": style.palette.text, "width": 1, "dash": "dot"}
        place = {"xref": "x", "yref": "y domain", "y0": 0, "y1": 1}
        if one.end_at > one.begin_at:
            band = {"type": "rect", "x0": ends[0], "x1": ends[1], "line": {"width": 0}}
            shapes.append(place | band | {"fillcolor": style.palette.text, "opacity": 0.12})
        if one.begin_at >= begin:
            shapes.append(place | {"type": "line", "x0": ends[0], "x1": ends[0], "line": line})
    return shapes


def _hover(marker: StoredMarker) -> str:
    lines = textwrap.wrap(visible(marker.text), _LINE_CHARACTERS, max_lines=_MAX_LINES)
    # Plotly reads a text as simple HTML.
    return _("marker: {text}", text="<br>".join(escape(one, quote=False) for one in lines))
