"""The parts that all charts of a report share: time axis, missing stretches, table.

Horizontal positions and widths are percent of the plot's width; heights are pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from analytics.runs.number_text import media_clock
from analytics.runs.reports.report import RunReport
from analytics.runs.timeline import MediaBucket

AXIS_PX: Final = 24
"""The height of a time axis with its labels."""
_FULL: Final = 0.95
"""Coverage from which a bucket counts as whole: in older runs, dwells lack up to a millisecond
each, and the first frame has none."""
_TICK_STEPS_S: Final = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800),
)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the time axis, in percent."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled mark of an axis: x in percent of a time axis, y in pixels of a value axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """A time axis at the bottom of a plot of `y` pixels."""

    y: int
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class MissingStretch:
    """A stretch that was not analysed in full."""

    span: Span
    begin: str
    end: str


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers of a chart. rows: the first cell names the row."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


def time_axis(report: RunReport, y: int) -> TimeAxis:
    """Return the axis, with six ticks at most."""
    span_s = report.span_s
    step_s = next((step for step in _TICK_STEPS_S if span_s / step <= 5), span_s)
    ticks = tuple(
        Tick(100 * tick * step_s / span_s, media_clock(tick * step_s, step_s))
        for tick in range(math.floor(span_s / step_s) + 1)
    )
    return TimeAxis(y, ticks)


def span(report: RunReport, begin_s: float, end_s: float) -> Span:
    """Return the position of a stretch of media time on the axis."""
    begin, end = (100 * at / report.span_s for at in (begin_s, end_s))
    return Span(begin, end - begin)


def missing_stretch(report: RunReport, buckets: Sequence[MediaBucket]) -> MissingStretch:
    """Return adjoining buckets as one stretch."""
    begin_s, end_s = buckets[0].start_s, buckets[-1].end_s
    return MissingStretch(span(report, begin_s, end_s), media_clock(begin_s), media_clock(end_s))


def bucket_ends(bucket: MediaBucket) -> tuple[str, str]:
    """Return begin and end of a bucket as text."""
    step_s = bucket.end_s - bucket.start_s
    return media_clock(bucket.start_s, step_s), media_clock(bucket.end_s, step_s)


def bucket_coverage(bucket: MediaBucket) -> float:
    """Return the analysed part of a bucket's time, 0..1."""
    width_s = bucket.end_s - bucket.start_s
    return 1 if bucket.analyzed_s >= _FULL * width_s else bucket.analyzed_s / width_s
