"""The chart of an embedded page: person-seconds by expression, in percent of its size."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from typing import Final

from analytics.history.timeline import Bucket
from analytics.runs.number_text import seconds_text
from dashboard.web.palette import STACK

_DAY: Final = timedelta(days=1)
_MOST_TICKS: Final = 6


@dataclass(frozen=True, slots=True)
class Band:
    """A part of a bar. kind: a label, or "gap" for a time that was not analysed."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A bucket. title: its text for the pointer and for those who cannot see it."""

    x: float
    width: float
    title: str
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A time below the chart. at: in percent of the width."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The bars, their labels that occur, and the largest value as text."""

    bars: tuple[Bar, ...]
    labels: tuple[str, ...]
    ticks: tuple[Tick, ...]
    top: str


def embedded_chart(buckets: Sequence[Bucket], zone: tzinfo) -> Chart:
    """Return the chart of a timeline."""
    top_s = max((one.measures.total_s for one in buckets), default=0.0)
    width = 100 / max(len(buckets), 1)
    bars = tuple(
        Bar(number * width, width, _title(one, zone), _bands(one, top_s))
        for number, one in enumerate(buckets)
    )
    found = {band.kind for bar in bars for band in bar.bands}
    labels = tuple(label for label in STACK if label in found)
    return Chart(bars, labels, _ticks(buckets, zone), f"{seconds_text(top_s)} s" if top_s else "")


def _bands(bucket: Bucket, top_s: float) -> tuple[Band, ...]:
    if bucket.measures.is_gap():
        return (Band("gap", 0, 100),)
    bands, top = [], 100.0
    for label in STACK:
        if seconds := bucket.measures.person_s[label]:
            height = 100 * seconds / top_s
            top -= height
            bands.append(Band(label, round(top, 3), round(height, 3)))
    return tuple(bands)


def _title(bucket: Bucket, zone: tzinfo) -> str:
    begin, end = bucket.begin.astimezone(zone), bucket.end.astimezone(zone)
    head = f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
    if bucket.measures.is_gap():
        return f"{head}: not analysed"
    parts = [
        f"{label} {seconds_text(seconds)} s"
        for label, seconds in bucket.measures.person_s.items()
        if seconds
    ]
    return f"{head}: {', '.join(parts) or 'nobody'}"


def _ticks(buckets: Sequence[Bucket], zone: tzinfo) -> tuple[Tick, ...]:
    if not buckets:
        return ()
    every = -(-len(buckets) // _MOST_TICKS)
    is_long = buckets[-1].end - buckets[0].begin > _DAY
    form = "%b %d" if buckets[0].end - buckets[0].begin >= _DAY else "%H:%M"
    if is_long and form == "%H:%M":
        form = "%b %d %H:%M"
    return tuple(
        Tick(100 * number / len(buckets), buckets[number].begin.astimezone(zone).strftime(form))
        for number in range(0, len(buckets), every)
    )
