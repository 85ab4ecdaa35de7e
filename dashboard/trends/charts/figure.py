"""The figure of a timeline: stacked expressions over derived valence and a strip of coverage.

A bucket in which nothing was analysed has no bar: a gap is never zero, and never neutral.
"""

from typing import Any

from contracts.expressions import UNCERTAIN
from dashboard.trends.charts.alert_trace import alert_trace
from dashboard.trends.charts.axis_clock import axis_clock
from dashboard.trends.charts.gaps import gaps
from dashboard.trends.charts.layout import ChartData, Style, figure_layout
from dashboard.trends.charts.marker_trace import marker_shapes, marker_trace
from dashboard.trends.charts.scale import Scale
from dashboard.trends.charts.traces import Traces, with_sums
from dashboard.trends.view import Mode
from dashboard.web.palette import STACK

Figure = dict[str, Any]
"""data and layout, as plotly.js takes them. Plotly's own classes would check every value, which
took up to three fifths of an answer's time; the tests let them."""


def timeline_figure(data: ChartData, scale: Scale, style: Style) -> Figure:
    """Return the figure of one chart."""
    clock = axis_clock(data.buckets, style.zone, data.step_s)
    traces = Traces(data, scale, style, clock)
    missing = gaps(data.buckets, data.until)
    known = [one for one in data.buckets if not one.measures.is_gap()]
    seen = traces.placed([one for one in known if one.measures.total_s])
    labels = [label for label in STACK if style.only in {"", label}]
    lines = style.mode is Mode.LINES
    drawn = [
        traces.line(one) if lines and one != UNCERTAIN else traces.band(one, seen) for one in labels
    ]
    last = drawn[-1]
    drawn[-1] = with_sums(last, seen.buckets if last["type"] == "bar" else data.buckets)
    if lines and data.before:
        drawn += [traces.line_before(one) for one in labels if one != UNCERTAIN]
    drawn += [
        *traces.valence(),
        traces.coverage(traces.placed(known)),
        traces.no_coverage(missing),
    ]
    if data.markers:
        drawn.append(marker_trace(data, style, clock))
    if data.alerts:
        drawn.append(alert_trace(data, scale, style, clock))
    layout = figure_layout(data, scale, style, clock)
    layout["shapes"] = [
        *(traces.outline(begin, end) for begin, end in missing),
        *marker_shapes(data, style, clock),
    ]
    layout["annotations"] += traces.names(labels, seen)
    return {"data": drawn, "layout": layout}
