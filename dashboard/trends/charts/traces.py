"""The traces of a chart: bands or lines of expressions, valence and coverage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from analytics.history.coverage import MIN_COMPARABLE
from analytics.history.timeline import Bucket
from contracts.expressions import UNCERTAIN
from dashboard.trends.charts.axis_clock import AxisClock
from dashboard.trends.charts.direct_labels import LabelEnd, direct_labels, stacked
from dashboard.trends.charts.layout import COVERAGE, VALENCE, ChartData, Style
from dashboard.trends.charts.scale import Scale, partial_note, per_hour
from dashboard.trends.view import Mode
from dashboard.web.number_format import local_time, percent, person_time, signed
from dashboard.web.palette import NO_COVERAGE

_PARTIAL_OPACITY: Final = 0.45
_MOSTLY_UNCERTAIN: Final = 0.5
_MAX_SEPARATED: Final = 60
"""With more bars there is no room for a line between them."""


@dataclass(frozen=True, slots=True)
class Traces:
    """Makes the traces and marks of one chart."""

    data: ChartData
    scale: Scale
    style: Style
    clock: AxisClock

    def band(self, label: str, seen: Sequence[Bucket]) -> dict[str, Any]:
        """Return one label's bars. Their texts, for the pointer, have the mode's unit."""
        heights, texts = [], []
        for bucket in seen:
            share = (bucket.measures.shares or {}).get(label, 0.0)
            seconds = bucket.measures.person_s[label]
            if self.style.mode is Mode.RATE:
                seconds *= per_hour(bucket.measures)
            heights.append(self._height(label, bucket))
            texts.append(percent(share) if self.style.mode.shows_shares else person_time(seconds))
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
        """Return the names of bands and lines at their right ends; none on a narrow page."""
        if self.style.narrow or not seen:
            return []
        last = [(label, self._height(label, seen[-1])) for label in labels]
        lines = self.style.mode is Mode.LINES
        # A line near zero is visible, so it is named: its end counts as the full height.
        ends = [LabelEnd(*one, self.scale.top) for one in last] if lines else stacked(last)
        where = self.clock.position(seen[-1].end)
        return direct_labels(ends, where, self.style.palette, self.scale.top)

    def _height(self, label: str, bucket: Bucket) -> float:
        """Return the label's height in a bucket, in units of the axis."""
        if self.style.mode.shows_shares:
            return (bucket.measures.shares or {}).get(label, 0.0)
        seconds = bucket.measures.person_s[label]
        if self.style.mode is Mode.RATE:
            seconds *= per_hour(bucket.measures)
        return seconds / self.scale.unit_s

    def line(self, label: str) -> dict[str, Any]:
        """Return one label's shares, at the middle of each bucket; a gap breaks the line."""
        xs, ys, texts = [], [], []
        for bucket in self.data.buckets:
            shares = bucket.measures.shares
            xs.append(self.clock.position(bucket.begin + (bucket.end - bucket.begin) / 2))
            ys.append(shares[label] if shares is not None else None)
            texts.append(percent(shares[label]) if shares is not None else "")
        return {
            "type": "scatter",
            "mode": "lines+markers" if len(xs) <= _MAX_SEPARATED else "lines",
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
        """Return the line of the weeks before, dashed."""
        shares = [one.shares if one is not None else None for one in self.data.before]
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
        """Return a line through buckets with enough data, and hollow marks for the others.

        Too little data: covered less than COMPARABLE, or mostly uncertain.
        """
        xs, solid, hollow, texts = [], [], [], []
        for bucket in self.data.buckets:
            value, shares = bucket.measures.valence, bucket.measures.shares
            share = bucket.coverage
            weak = shares is None or share < MIN_COMPARABLE or shares[UNCERTAIN] > _MOSTLY_UNCERTAIN
            xs.append(self.clock.position(bucket.begin + (bucket.end - bucket.begin) / 2))
            solid.append(None if weak else value)
            hollow.append(value if weak else None)
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
                "y": solid,
                "marker": {"size": 3},
                "hovertemplate": f"{VALENCE} %{{customdata}}<extra></extra>",
            },
            same
            | {
                "name": f"{VALENCE}, little data",
                "mode": "markers",
                "y": hollow,
                "marker": {"size": 5, "symbol": "circle-open", "color": same["line"]["color"]},
                "hovertemplate": f"{VALENCE} %{{customdata}}, little data<extra></extra>",
            },
        ]

    def coverage(self, known: Sequence[Bucket]) -> dict[str, Any]:
        """Return a bar a bucket: the analysed share of its expected time."""
        shares = [one.coverage for one in known]
        texts = [
            ", ".join(filter(None, (percent(share), partial_note(one))))
            for one, share in zip(known, shares, strict=True)
        ]
        return self._bars(COVERAGE, known, self.style.palette.coverage) | {
            "yaxis": "y2",
            "y": shares,
            "customdata": texts,
            "hovertemplate": "covered %{customdata}<extra></extra>",
        }

    def no_coverage(self, missing: Sequence[tuple[datetime, datetime]]) -> dict[str, Any]:
        """Return one hatched bar a gap, in the coverage strip only."""
        texts = [
            " to ".join(local_time(one, self.style.zone, self.data.step_s) for one in gap)
            for gap in missing
        ]
        return {
            "type": "bar",
            "name": NO_COVERAGE,
            "yaxis": "y2",
            "x": [self.clock.position(begin) for begin, _ in missing],
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
        """Return a dotted rectangle for a gap in the plot of expressions."""
        return {
            "type": "rect",
            "x0": self.clock.position(begin),
            "x1": self.clock.position(end),
            "y0": 0,
            "y1": 1,
            "yref": "y domain",
            "layer": "below",
            "line": {"width": 1, "dash": "dot", "color": self.style.palette.no_coverage},
        }

    def _bars(self, name: str, buckets: Sequence[Bucket], colour: str) -> dict[str, Any]:
        separated = len(self.data.buckets) <= _MAX_SEPARATED
        return {
            "type": "bar",
            "name": name,
            "x": [self.clock.position(one.begin) for one in buckets],
            "width": [self.clock.width_ms(one.begin, one.end) for one in buckets],
            "offset": 0,
            "marker": {
                "color": colour,
                "opacity": [_PARTIAL_OPACITY if partial_note(one) else 1.0 for one in buckets],
                "line": {"width": int(separated), "color": self.style.palette.paper},
            },
        }
