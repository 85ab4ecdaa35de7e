"""The traces of a chart: bands or lines of expressions, valence and coverage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from analytics.history.coverage import MIN_COMPARABLE
from analytics.history.timeline import Bucket
from contracts.expressions import UNCERTAIN
from dashboard.language.words import _, label_name
from dashboard.trends.charts.axis_clock import AxisClock
from dashboard.trends.charts.direct_labels import LabelEnd, direct_labels, stacked
from dashboard.trends.charts.layout import COVERAGE, VALENCE, ChartData, Style
from dashboard.trends.charts.scale import Scale, is_weak, partial_note, per_hour
from dashboard.trends.view import Mode
from dashboard.web.number_format import local_time, percent, person_time, signed
from dashboard.web.palette import NO_COVERAGE

_PARTIAL_OPACITY: Final = 0.45
_VALUE: Final = "%{customdata}"
_MAX_SEPARATED: Final = 60
"""With more bars there is no room for a line between them."""


@dataclass(frozen=True, slots=True)
class PlacedBuckets:
    """Buckets with their bars' places and their shares: the same for all traces of a chart."""

    buckets: Sequence[Bucket]
    begins: list[str]
    widths_ms: list[float]
    opacities: list[float]
    shares: list[Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Traces:
    """Makes the traces and marks of one chart."""

    data: ChartData
    scale: Scale
    style: Style
    clock: AxisClock

    def placed(self, buckets: Sequence[Bucket]) -> PlacedBuckets:
        """Return the buckets with what their traces have in common."""
        return PlacedBuckets(
            buckets,
            [self.clock.position(one.begin) for one in buckets],
            [self.clock.width_ms(one.begin, one.end) for one in buckets],
            [_PARTIAL_OPACITY if partial_note(one) else 1.0 for one in buckets],
            [one.measures.shares or {} for one in buckets],
        )

    def band(self, label: str, seen: PlacedBuckets) -> dict[str, Any]:
        """Return one label's bars. Their texts, for the pointer, have the mode's unit."""
        heights = self._heights(label, seen)
        if self.style.mode.shows_shares:
            texts = [percent(share.get(label, 0.0)) for share in seen.shares]
        else:
            texts = [person_time(height * self.scale.unit_s) for height in heights]
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
            "hovertemplate": f"{label_name(label)} %{{customdata}}<extra></extra>",
        }

    def names(self, labels: Sequence[str], seen: PlacedBuckets) -> list[dict[str, Any]]:
        """Return the names of bands and lines at their right ends; none on a narrow page."""
        if self.style.narrow or not seen.buckets:
            return []
        last = self.placed(seen.buckets[-1:])
        ends = [(label, self._heights(label, last)[0]) for label in labels]
        lines = self.style.mode is Mode.LINES
        # A line near zero is visible, so it is named: its end counts as the full height.
        shown = [LabelEnd(*one, self.scale.top) for one in ends] if lines else stacked(ends)
        where = self.clock.position(seen.buckets[-1].end)
        return direct_labels(shown, where, self.style.palette, self.scale.top)

    def _heights(self, label: str, seen: PlacedBuckets) -> list[float]:
        """Return the label's height in each bucket, in units of the axis."""
        if self.style.mode.shows_shares:
            return [shares.get(label, 0.0) for shares in seen.shares]
        rate = self.style.mode is Mode.RATE
        return [
            one.measures.person_s[label]
            * (per_hour(one.measures) if rate else 1)
            / self.scale.unit_s
            for one in seen.buckets
        ]

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
            "hovertemplate": f"{label_name(label)} %{{customdata}}<extra></extra>",
        }

    def line_before(self, label: str) -> dict[str, Any]:
        """Return the line of the earlier time, dashed."""
        shares = [one.shares if one is not None else None for one in self.data.before]
        return self.line(label) | {
            "mode": "lines",
            "name": f"{label} before",
            "y": [one[label] if one is not None else None for one in shares],
            "line": {"color": self.style.palette.labels[label], "width": 1.5, "dash": "dash"},
            "opacity": 0.6,
            "customdata": [percent(one[label]) if one is not None else "" for one in shares],
            "hovertemplate": _hover(
                _("{label} before {value}", label=label_name(label), value=_VALUE)
            ),
        }

    def valence(self) -> list[dict[str, Any]]:
        """Return a line through buckets with enough data, and hollow marks for the others."""
        low, high = self.scale.valence
        xs, solid, hollow, texts = [], [], [], []
        for bucket in self.data.buckets:
            value, weak = bucket.measures.valence, is_weak(bucket)
            xs.append(self.clock.position(bucket.begin + (bucket.end - bucket.begin) / 2))
            solid.append(None if weak else value)
            # Little data has extreme values: they stay at the edge of the plot.
            hollow.append(min(max(value, low), high) if weak and value is not None else None)
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
                "hovertemplate": _hover(f"{_(VALENCE)} {_VALUE}"),
            },
            same
            | {
                "name": f"{VALENCE}, little data",
                "mode": "markers",
                "y": hollow,
                "marker": {"size": 5, "symbol": "circle-open", "color": same["line"]["color"]},
                "hovertemplate": _hover(_("derived valence {value}, little data", value=_VALUE)),
            },
        ]

    def coverage(self, known: PlacedBuckets) -> dict[str, Any]:
        """Return a bar a bucket: the analysed share of its expected time."""
        shares = [one.coverage for one in known.buckets]
        texts = [
            _(", ").join(filter(None, (percent(share), partial_note(one))))
            for one, share in zip(known.buckets, shares, strict=True)
        ]
        colours = self.style.palette
        bars = self._bars(COVERAGE, known, colours.coverage)
        bars["marker"]["color"] = [
            colours.coverage if share >= MIN_COMPARABLE else colours.low_coverage
            for share in shares
        ]
        return bars | {
            "yaxis": "y2",
            "y": shares,
            "customdata": texts,
            "hovertemplate": _hover(_("covered {value}", value=_VALUE)),
        }

    def no_coverage(self, missing: Sequence[tuple[datetime, datetime]]) -> dict[str, Any]:
        """Return one hatched bar a gap, in the coverage strip only."""
        texts = [
            _(
                "{since} to {until}",
                since=local_time(begin, self.style.zone, self.data.step_s),
                until=local_time(end, self.style.zone, self.data.step_s),
            )
            for begin, end in missing
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
            "hovertemplate": _hover(_("no coverage, {value}", value=_VALUE)),
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

    def _bars(self, name: str, placed: PlacedBuckets, colour: str) -> dict[str, Any]:
        separated = len(self.data.buckets) <= _MAX_SEPARATED
        return {
            "type": "bar",
            "name": name,
            "x": placed.begins,
            "width": placed.widths_ms,
            "offset": 0,
            "marker": {
                "color": colour,
                "opacity": placed.opacities,
                "line": {"width": int(separated), "color": self.style.palette.paper},
            },
        }


def _hover(text: str) -> str:
    """Return a hover template without the name of the trace."""
    return f"{text}<extra></extra>"


def with_sums(trace: dict[str, Any], buckets: Sequence[Bucket]) -> dict[str, Any]:
    """Return the trace of a label, of which the pointer also reads person-time and coverage.

    Beside the expressions, it says what they are shares of, whichever plot it is over.
    """
    texts = [
        f"{text}<br>{_sums_text(one)}" if one.measures.total_s else text
        for text, one in zip(trace["customdata"], buckets, strict=True)
    ]
    return trace | {"customdata": texts}


def _sums_text(bucket: Bucket) -> str:
    """Return person-time, valence and coverage of a bucket with faces."""
    parts = (
        person_time(bucket.measures.total_s),
        _("valence {number}", number=signed(bucket.measures.valence or 0.0)),
        _("{share} covered", share=percent(bucket.coverage)),
        partial_note(bucket),
    )
    return _(", ").join(filter(None, parts))
