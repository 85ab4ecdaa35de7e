"""The marks of alerts: a triangle at the top of the plot where each one fired."""

from html import escape
from typing import Any

from dashboard.language.words import _
from dashboard.trends.charts.axis_clock import AxisClock
from dashboard.trends.charts.layout import ChartData, Style
from dashboard.trends.charts.scale import Scale
from dashboard.trends.marks.alert_marks import shown_mark
from runtime.visible_text import visible


def alert_trace(data: ChartData, scale: Scale, style: Style, clock: AxisClock) -> dict[str, Any]:
    """Return the trace of the chart's alerts. The pointer reads the rule and the value."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "alerts",
        "x": [clock.position(one.at) for one in data.alerts],
        "y": [scale.top] * len(data.alerts),
        "cliponaxis": False,
        "marker": {
            "symbol": "triangle-down",
            "size": 11,
            "color": style.palette.text,
            "line": {"width": 1, "color": style.palette.paper},
        },
        "customdata": [
            _(
                "alert {rule}: {value}",
                rule=escape(visible(one.rule), quote=False),  # Plotly reads it as simple HTML.
                value=one.value,
            )
            for one in map(shown_mark, data.alerts)
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
