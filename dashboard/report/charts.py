"""The charts of a report but that of its tracks, as numbers and texts for its template."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from analytics.runs.reports.report import RunReport
from analytics.runs.timeline import MediaBucket
from dashboard.language.words import _, label_name
from dashboard.report.chart_geometry import (
    AXIS_PX,
    MissingStretch,
    Span,
    Table,
    Tick,
    TimeAxis,
    bucket_coverage,
    bucket_ends,
    missing_stretch,
    span,
    time_axis,
)
from dashboard.web.number_format import count, decimal, percent, seconds_number
from dashboard.web.palette import STACK

_PLOT_PX: Final = 200
_STRIP_PX: Final = 18
_ROW_PX: Final = 28


@dataclass(frozen=True, slots=True)
class Band:
    """A rectangle of a colour class, in pixels."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A bucket's bands, and its text for the pointer."""

    span: Span
    title: str
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class ExpressionChart:
    """Stacked person-seconds by bucket. legend: text by colour class."""

    height: int
    legend: dict[str, str]
    grid: tuple[Tick, ...]
    axis: TimeAxis
    missing: tuple[MissingStretch, ...]
    bars: tuple[Bar, ...]
    table: Table


@dataclass(frozen=True, slots=True)
class CoverageChart:
    """A strip: how much of each stretch was analysed."""

    height: int
    strip_height: int
    legend: dict[str, str]
    axis: TimeAxis
    missing: tuple[MissingStretch, ...]
    analysed: tuple[tuple[Span, Band], ...]
    table: Table


@dataclass(frozen=True, slots=True)
class TotalRow:
    """A label's person-seconds as a horizontal bar. width: percent of the longest."""

    kind: str
    name: str
    y: int
    width: float
    text: str


@dataclass(frozen=True, slots=True)
class TotalsChart:
    """Person-seconds by label."""

    height: int
    rows: tuple[TotalRow, ...]
    table: Table


def expression_chart(report: RunReport) -> ExpressionChart:
    """Return the stack. A bucket that is mostly missing is hatched: no bar is not zero."""
    emotions = report.summary.emotions
    used = [label for label in STACK if emotions[label]]
    legend = {
        label: f"{label_name(label)} {percent(emotions[label] / report.person_s)}" for label in used
    }
    stretches = [
        missing_stretch(report, list(some))
        for is_missing, some in groupby(report.buckets, key=_is_mostly_missing)
        if is_missing
    ]
    if stretches:
        legend["missing"] = _("less than half analysed")
    highest = max(sum(bucket.emotions.values()) for bucket in report.buckets)
    step = _round_up(highest / 4)
    steps = math.ceil(highest / step)
    scale = _PLOT_PX / (steps * step)
    rows = tuple(
        (
            *bucket_ends(one),
            *("–" if one.is_gap else decimal(one.emotions.get(label, 0), 2) for label in used),
        )
        for one in report.buckets
    )
    return ExpressionChart(
        height=_PLOT_PX + AXIS_PX,
        legend=legend,
        grid=tuple(
            Tick(_PLOT_PX * (1 - tick / steps), seconds_number(round(tick * step, 9)))
            for tick in range(steps + 1)
        ),
        axis=time_axis(report, _PLOT_PX),
        missing=tuple(stretches),
        bars=tuple(
            _bar(report, one, scale) for one in report.buckets if any(one.emotions.values())
        ),
        table=Table(_("Expressions over time"), (_("from"), _("to"), *map(label_name, used)), rows),
    )


def coverage_chart(report: RunReport) -> CoverageChart:
    """Return the strip of analysed time."""
    missing, analysed = [], []
    by_height = groupby(report.buckets, key=lambda one: round(bucket_coverage(one) * _STRIP_PX))
    for height, some in by_height:
        buckets = list(some)
        if height < _STRIP_PX:
            missing.append(missing_stretch(report, buckets))
        if height:
            where = span(report, buckets[0].start_s, buckets[-1].end_s)
            analysed.append((where, Band("analysed", _STRIP_PX - height, height)))
    rows = tuple(
        (
            *bucket_ends(one),
            count(one.frames),
            percent(bucket_coverage(one)),
            decimal(one.empty_s, 2),
        )
        for one in report.buckets
    )
    return CoverageChart(
        height=_STRIP_PX + AXIS_PX,
        strip_height=_STRIP_PX,
        legend={"analysed": _("analysed"), "missing": _("not analysed")},
        axis=time_axis(report, _STRIP_PX),
        missing=tuple(missing),
        analysed=tuple(analysed),
        table=Table(
            _("Coverage"),
            (_("from"), _("to"), _("frames"), _("analysed"), _("s without a face")),
            rows,
        ),
    )


def totals_chart(report: RunReport) -> TotalsChart:
    """Return one bar a label, in the order of the stack."""
    emotions, longest = report.summary.emotions, max(report.summary.emotions.values())
    shares = {label: percent(emotions[label] / report.person_s) for label in STACK}
    return TotalsChart(
        height=_ROW_PX * len(STACK),
        rows=tuple(
            TotalRow(
                label,
                label_name(label),
                row * _ROW_PX,
                100 * emotions[label] / longest,
                f"{seconds_number(emotions[label])} s · {shares[label]}",
            )
            for row, label in enumerate(STACK)
        ),
        table=Table(
            _("Totals"),
            (_("expression"), _("person-seconds"), _("share")),
            tuple(
                (label_name(label), decimal(emotions[label], 2), shares[label]) for label in STACK
            ),
        ),
    )


def _bar(report: RunReport, bucket: MediaBucket, scale: float) -> Bar:
    """scale: pixels of a person-second."""
    parts = [(label, bucket.emotions[label]) for label in STACK if bucket.emotions.get(label)]
    begin, end = bucket_ends(bucket)
    amounts = _(", ").join(f"{label_name(label)} {decimal(seconds, 2)}" for label, seconds in parts)
    return Bar(
        span(report, bucket.start_s, bucket.end_s),
        _("{begin} to {end}: {amounts} person-seconds", begin=begin, end=end, amounts=amounts),
        tuple(_stacked(parts, scale)),
    )


def _stacked(parts: Sequence[tuple[str, float]], scale: float) -> Iterator[Band]:
    y = float(_PLOT_PX)
    for label, seconds in parts:
        y -= seconds * scale
        yield Band(label, y, seconds * scale)


def _is_mostly_missing(bucket: MediaBucket) -> bool:
    return bucket_coverage(bucket) < 0.5


def _round_up(value: float) -> float:
    """Return the next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)
