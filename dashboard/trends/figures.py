"""Charts of timelines: a stack of what was expressed over a strip of how much was seen.

A step that nothing was analysed in has no bar: a gap is never zero, and never neutral.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from dash import Patch

from analytics.history.coverage import COMPARABLE
from analytics.history.measures import Measures
from analytics.history.trends import Bucket
from contracts.expressions import UNCERTAIN
from dashboard.trends.axis_clock import AxisClock, axis_clock
from dashboard.trends.direct_labels import direct_labels, stacked
from dashboard.trends.figure_layout import COVERAGE, VALENCE, Drawn, Scale, Style, figure_layout
from dashboard.trends.gaps import gaps
from dashboard.trends.view import Mode
from dashboard.web.number_format import local_time, percent, person_time, signed
from dashboard.web.palette import NO_COVERAGE, STACK
from records.windows import HOUR_S, MINUTE_S

Figure = dict[str, Any]
"""As plotly.js takes it: data and layout. Having plotly's own classes check every value took up to
three fifths of an answer's time; the tests do."""

_PARTIAL: Final = 0.45
_MOSTLY: Final = 0.5
_SEPARATED: Final = 60
"""Up to so many bars there is room for a line between them."""


def partly(bucket: Bucket) -> str:
    """What the step has a part of only, or "": of it itself, or of what happened in it."""
    marks = ["partly in range"] if bucket.partial else []
    if not bucket.measures.is_gap() and bucket.coverage < COMPARABLE:
        marks.append("partly covered")
    return ", ".join(marks)


def rate(found: Measures) -> str:
    """Person-time per covered hour, as people read it."""
    return person_time(_a_covered_hour(found) * found.total_s)


def _a_covered_hour(found: Measures) -> float:
    return HOUR_S / found.analyzed_s if found.analyzed_s else 0.0


def scale_of(charts: Iterable[Sequence[Bucket]], mode: Mode) -> Scale:
    """A scale that all the charts fit in, so that their heights can be compared."""
    if mode not in {Mode.SECONDS, Mode.RATE}:
        return Scale(1.0, "share of person-time", 1.0)
    found = [one.measures for buckets in charts for one in buckets]
    heights = [one.total_s * (_a_covered_hour(one) if mode is Mode.RATE else 1) for one in found]
    top_s = max(heights, default=0.0)
    unit_s, name = 1, "person-seconds"
    if top_s >= 2 * HOUR_S:
        unit_s, name = HOUR_S, "person-hours"
    elif top_s >= 2 * MINUTE_S:
        unit_s, name = MINUTE_S, "person-minutes"
    per = "covered hour" if mode is Mode.RATE else "step"
    return Scale(unit_s, f"{name} per {per}", (top_s / unit_s or 1.0) * 1.04)


def timeline_figure(drawn: Drawn, scale: Scale, style: Style) -> Figure:
    """The stack and, under it on the same axis, the strip."""
    clock = axis_clock(drawn.buckets, style.zone, drawn.step_s)
    pen = _Pen(drawn, scale, style, clock)
    missing = gaps(drawn.buckets, drawn.until)
    known = [one for one in drawn.buckets if not one.measures.is_gap()]
    seen = [one for one in known if one.measures.shares is not None]
    labels = [label for label in STACK if style.only in {"", label}]
    lines = style.mode is Mode.LINES
    draw = [pen.line(one) if lines and one != UNCERTAIN else pen.band(one, seen) for one in labels]
    if lines and drawn.before:
        draw += [pen.line_before(one) for one in labels if one != UNCERTAIN]
    draw += [*pen.valence(), pen.strip(known), pen.no_coverage(missing)]
    layout = figure_layout(drawn, scale, style, clock)
    layout["shapes"] = [pen.outline(begin, end) for begin, end in missing]
    layout["annotations"] += pen.names(labels, seen)
    return {"data": draw, "layout": layout}


def redrawn(figure: Figure) -> Patch:
    """The figure over one of the same view, whose zoom stays.

    Dash hands what a zoom changed back with the figure, so that plotly's uirevision does not see
    it: only what is not sent is kept.
    """
    patch = Patch()
    patch["data"] = figure["data"]
    for name, value in figure["layout"].items():
        if name != "xaxis":
            patch["layout"][name] = value
    for name, value in figure["layout"]["xaxis"].items():
        if name != "autorange":
            patch["layout"]["xaxis"][name] = value
    return patch


@dataclass(frozen=True, slots=True)
class _Pen:
    """Draws the parts of one chart."""

    drawn: Drawn
    scale: Scale
    style: Style
    clock: AxisClock

    def band(self, label: str, seen: Sequence[Bucket]) -> dict[str, Any]:
        """One label's bars. Their texts are for the pointer: the number in either mode."""
        by_share = self.style.mode not in {Mode.SECONDS, Mode.RATE}
        heights, texts = [], []
        for bucket in seen:
            share = (bucket.measures.shares or {}).get(label, 0.0)
            seconds = bucket.measures.person_s[label]
            if self.style.mode is Mode.RATE:
                seconds *= _a_covered_hour(bucket.measures)
            heights.append(self._height(label, bucket))
            texts.append(percent(share) if by_share else person_time(seconds))
        found = self._bars(label, seen, self.style.palette.labels[label])
        if label == UNCERTAIN:
            found["marker"]["pattern"] = {
                "shape": "/",
                "fgcolor": self.style.palette.hatch,
                "bgcolor": self.style.palette.labels[label],
                "size": 5,
                "solidity": 0.25,
            }
        return found | {
            "y": heights,
            "customdata": texts,
            "hovertemplate": f"{label} %{{customdata}}<extra></extra>",
        }

    def names(self, labels: Sequence[str], seen: Sequence[Bucket]) -> list[dict[str, Any]]:
        """What each band and line is, beside where the last of it is; a telephone has no room."""
        if self.style.narrow or not seen:
            return []
        last = [(label, self._height(label, seen[-1])) for label in labels]
        lines = self.style.mode is Mode.LINES
        # A line of almost zero is drawn there, and named, too.
        ends = [(label, at, self.scale.top) for label, at in last] if lines else stacked(last)
        where = self.clock.place(seen[-1].end)
        return direct_labels(ends, where, self.style.palette, self.scale.top)

    def _height(self, label: str, bucket: Bucket) -> float:
        """How high the label stands in a step, on the axis."""
        if self.style.mode not in {Mode.SECONDS, Mode.RATE}:
            return (bucket.measures.shares or {}).get(label, 0.0)
        seconds = bucket.measures.person_s[label]
        if self.style.mode is Mode.RATE:
            seconds *= _a_covered_hour(bucket.measures)
        return seconds / self.scale.unit_s

    def line(self, label: str) -> dict[str, Any]:
        """One label's shares from step to step, at the middle of each; a gap breaks it."""
        xs, ys, texts = [], [], []
        for bucket in self.drawn.buckets:
            shares = bucket.measures.shares
            xs.append(self.clock.place(bucket.begin + (bucket.end - bucket.begin) / 2))
            ys.append(shares[label] if shares is not None else None)
            texts.append(percent(shares[label]) if shares is not None else "")
        return {
            "type": "scatter",
            "mode": "lines+markers" if len(xs) <= _SEPARATED else "lines",
            "name": label,
            "x": xs,
            "y": ys,
            "connectgaps": False,
            "line": {"color": self.style.palette.labels[label], "width": 2},
            "marker": {"size": 5},
            "customdata": texts,
            "hovertemplate": f"{label} %{{customdata}}<extra></extra>",
        }

    def line_before(self, label: str) -> dict[str, Any]:
        """The same, dashed, of the weeks before."""
        shares = [one.shares if one is not None else None for one in self.drawn.before]
        return self.line(label) | {
            "mode": "lines",
            "name": f"{label} before",
            "y": [one[label] if one is not None else None for one in shares],
            "line": {"color": self.style.palette.labels[label], "width": 1.5, "dash": "dash"},
            "opacity": 0.6,
            "customdata": [percent(one[label]) if one is not None else "" for one in shares],
            "hovertemplate": f"{label} before %{{customdata}}<extra></extra>",
        }

    def valence(self) -> list[dict[str, Any]]:
        """A line through the steps that are told by enough; of the others hollow marks.

        Too little: covered less than COMPARABLE, or mostly uncertain.
        """
        xs, told, little, texts = [], [], [], []
        for bucket in self.drawn.buckets:
            value, shares = bucket.measures.valence, bucket.measures.shares
            share = bucket.coverage
            weak = shares is None or share < COMPARABLE or shares[UNCERTAIN] > _MOSTLY
            xs.append(self.clock.place(bucket.begin + (bucket.end - bucket.begin) / 2))
            told.append(None if weak else value)
            little.append(value if weak else None)
            texts.append("" if value is None else signed(value))
        same: dict[str, Any] = {
            "type": "scatter",
            "yaxis": "y3",
            "x": xs,
            "customdata": texts,
            "connectgaps": False,
            "line": {"color": self.style.palette.coverage, "width": 1.5},
        }
        return [
            same
            | {
                "name": VALENCE,
                "mode": "lines+markers",
                "y": told,
                "marker": {"size": 3},
                "hovertemplate": f"{VALENCE} %{{customdata}}<extra></extra>",
            },
            same
            | {
                "name": f"{VALENCE}, of little",
                "mode": "markers",
                "y": little,
                "marker": {"size": 5, "symbol": "circle-open", "color": same["line"]["color"]},
                "hovertemplate": f"{VALENCE} %{{customdata}}, of little<extra></extra>",
            },
        ]

    def strip(self, known: Sequence[Bucket]) -> dict[str, Any]:
        """How much of each step was analysed."""
        shares = [one.coverage for one in known]
        texts = [
            ", ".join(filter(None, (percent(share), partly(one))))
            for one, share in zip(known, shares, strict=True)
        ]
        return self._bars(COVERAGE, known, self.style.palette.coverage) | {
            "yaxis": "y2",
            "y": shares,
            "customdata": texts,
            "hovertemplate": "covered %{customdata}<extra></extra>",
        }

    def no_coverage(self, missing: Sequence[tuple[datetime, datetime]]) -> dict[str, Any]:
        """One hatched bar a gap, in the strip only."""
        texts = [
            " to ".join(local_time(one, self.style.zone, self.drawn.step_s) for one in gap)
            for gap in missing
        ]
        return {
            "type": "bar",
            "name": NO_COVERAGE,
            "yaxis": "y2",
            "x": [self.clock.place(begin) for begin, _ in missing],
            "width": [self.clock.width_ms(begin, end) for begin, end in missing],
            "offset": 0,
            "y": [1.0] * len(missing),
            "customdata": texts,
            "hovertemplate": "no coverage, %{customdata}<extra></extra>",
            "marker": {
                "color": "rgba(0,0,0,0)",
                "line": {"width": 0},
                "pattern": {
                    "shape": "x",
                    "fgcolor": self.style.palette.no_coverage,
                    "size": 6,
                    "solidity": 0.2,
                },
            },
        }

    def outline(self, begin: datetime, end: datetime) -> dict[str, Any]:
        """A gap's place in the stack's plot."""
        return {
            "type": "rect",
            "x0": self.clock.place(begin),
            "x1": self.clock.place(end),
            "y0": 0,
            "y1": 1,
            "yref": "y domain",
            "layer": "below",
            "line": {"width": 1, "dash": "dot", "color": self.style.palette.no_coverage},
        }

    def _bars(self, name: str, buckets: Sequence[Bucket], colour: str) -> dict[str, Any]:
        separated = len(self.drawn.buckets) <= _SEPARATED
        return {
            "type": "bar",
            "name": name,
            "x": [self.clock.place(one.begin) for one in buckets],
            "width": [self.clock.width_ms(one.begin, one.end) for one in buckets],
            "offset": 0,
            "marker": {
                "color": colour,
                "opacity": [_PARTIAL if partly(one) else 1.0 for one in buckets],
                "line": {"width": int(separated), "color": self.style.palette.paper},
            },
        }
