"""The charts of a report, as numbers and texts for its template."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from analytics.runs.number_text import media_clock, percent, seconds_text
from analytics.runs.reports.report import RunReport, TrackSpan
from analytics.runs.timeline import MediaBucket
from contracts.frame_results import TrackMark
from dashboard.report.chart_geometry import (
    AXIS_PX,
    MissingStretch,
    Span,
    Tick,
    TimeAxis,
    bucket_coverage,
    bucket_ends,
    missing_stretch,
    span,
    time_axis,
)
from dashboard.web.palette import STACK

_PLOT_PX: Final = 200
_STRIP_PX: Final = 18
_ROW_PX: Final = 28
_LANE_PX: Final = 36
_MAX_LANES: Final = 20


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers of a chart. rows: the first cell names the row."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


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

    label: str
    y: int
    width: float
    text: str


@dataclass(frozen=True, slots=True)
class TotalsChart:
    """Person-seconds by label."""

    height: int
    rows: tuple[TotalRow, ...]
    table: Table


@dataclass(frozen=True, slots=True)
class Lane:
    """A track as a horizontal bar. text_at: percent, where its text starts or ends (anchor)."""

    name: str
    y: int
    kind: str
    span: Span
    text: str
    text_at: float
    anchor: str


@dataclass(frozen=True, slots=True)
class TracksChart:
    """The longest tracks, by their begin. more: how many are not drawn."""

    height: int
    axis: TimeAxis
    lanes: tuple[Lane, ...]
    more: int
    table: Table


def expression_chart(report: RunReport) -> ExpressionChart:
    """Return the stack. A bucket that is mostly missing is hatched: no bar is not zero."""
    emotions = report.summary.emotions
    used = [label for label in STACK if emotions[label]]
    legend = {label: f"{label} {percent(emotions[label] / report.person_s)}" for label in used}
    stretches = [
        missing_stretch(report, list(some))
        for is_missing, some in groupby(report.buckets, key=_is_mostly_missing)
        if is_missing
    ]
    if stretches:
        legend["missing"] = "less than half analysed"
    highest = max(sum(bucket.emotions.values()) for bucket in report.buckets)
    step = _round_up(highest / 4)
    steps = math.ceil(highest / step)
    scale = _PLOT_PX / (steps * step)
    rows = tuple(
        (
            *bucket_ends(one),
            *("–" if one.is_gap else f"{one.emotions.get(label, 0):.2f}" for label in used),
        )
        for one in report.buckets
    )
    return ExpressionChart(
        height=_PLOT_PX + AXIS_PX,
        legend=legend,
        grid=tuple(
            Tick(_PLOT_PX * (1 - tick / steps), f"{round(tick * step, 9):g}")
            for tick in range(steps + 1)
        ),
        axis=time_axis(report, _PLOT_PX),
        missing=tuple(stretches),
        bars=tuple(
            _bar(report, one, scale) for one in report.buckets if any(one.emotions.values())
        ),
        table=Table("expressions over time", ("from", "to", *used), rows),
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
        (*bucket_ends(one), one.frames, percent(bucket_coverage(one)), f"{one.empty_s:.2f}")
        for one in report.buckets
    )
    return CoverageChart(
        height=_STRIP_PX + AXIS_PX,
        strip_height=_STRIP_PX,
        legend={"analysed": "analysed", "missing": "not analysed"},
        axis=time_axis(report, _STRIP_PX),
        missing=tuple(missing),
        analysed=tuple(analysed),
        table=Table("coverage", ("from", "to", "frames", "analysed", "s without a face"), rows),
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
                row * _ROW_PX,
                100 * emotions[label] / longest,
                f"{seconds_text(emotions[label])} s · {shares[label]}",
            )
            for row, label in enumerate(STACK)
        ),
        table=Table(
            "totals",
            ("expression", "person-seconds", "share"),
            tuple((label, f"{emotions[label]:.2f}", shares[label]) for label in STACK),
        ),
    )


def tracks_chart(report: RunReport) -> TracksChart:
    """Return a lane for each of the longest tracks."""
    drawn = sorted(report.tracks[:_MAX_LANES], key=lambda one: (one.first_s, one.track_id))
    height = _LANE_PX * len(drawn)
    rows = tuple(
        (
            f"T{one.track_id}",
            media_clock(one.first_s),
            media_clock(one.end_s),
            one.faces,
            _dominant_text(one),
        )
        for one in report.tracks
    )
    return TracksChart(
        height=height + AXIS_PX,
        axis=time_axis(report, height),
        lanes=tuple(_lane(report, track, _LANE_PX * row) for row, track in enumerate(drawn)),
        more=len(report.tracks) + report.tracks_left_out - len(drawn),
        table=Table("tracks", ("track", "from", "to", "faces", "mostly"), rows),
    )


def _bar(report: RunReport, bucket: MediaBucket, scale: float) -> Bar:
    """scale: pixels of a person-second."""
    parts = [(label, bucket.emotions[label]) for label in STACK if bucket.emotions.get(label)]
    begin, end = bucket_ends(bucket)
    text = ", ".join(f"{label} {seconds:.2f}" for label, seconds in parts)
    return Bar(
        span(report, bucket.start_s, bucket.end_s),
        f"{begin} to {end}: {text} person-seconds",
        tuple(_stacked(parts, scale)),
    )


def _stacked(parts: Sequence[tuple[str, float]], scale: float) -> Iterator[Band]:
    y = float(_PLOT_PX)
    for label, seconds in parts:
        y -= seconds * scale
        yield Band(label, y, seconds * scale)


def _lane(report: RunReport, track: TrackSpan, y: int) -> Lane:
    begin, end = (min(at / report.span_s, 1) * 100 for at in (track.first_s, track.end_s))
    # The text starts where the bar starts or ends where it ends, wherever there is more room.
    text_at, anchor = (begin, "start") if 100 - begin >= end else (end, "end")
    return Lane(
        name=f"T{track.track_id}",
        y=y,
        kind=track.dominant or "missing",
        span=Span(begin, max(end - begin, 0.4)),
        text=_dominant_text(track),
        text_at=text_at,
        anchor=anchor,
    )


def _dominant_text(track: TrackSpan) -> str:
    if track.mark is TrackMark.STATIC:
        return "still face, left out"
    if track.dominant is None:
        return "seen for a moment"
    total = sum(track.emotions.values())
    share = percent(track.emotions[track.dominant] / total)
    return f"{track.dominant} {share} of {seconds_text(total)} s"


def _is_mostly_missing(bucket: MediaBucket) -> bool:
    return bucket_coverage(bucket) < 0.5


def _round_up(value: float) -> float:
    """Return the next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)
