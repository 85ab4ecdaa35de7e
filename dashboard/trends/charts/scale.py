"""The scale of person-time, and how a bucket's numbers are read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analytics.history.coverage import MIN_COMPARABLE
from analytics.history.measures import Measures
from analytics.history.timeline import Bucket
from dashboard.trends.view import Mode
from dashboard.web.number_format import person_time
from records.rollup_windows import HOUR_S, MINUTE_S


@dataclass(frozen=True, slots=True)
class Scale:
    """The axis of person-time, one for all charts of a page. top: its end, in unit_s seconds."""

    unit_s: float
    name: str
    top: float


def scale_of(charts: Iterable[Sequence[Bucket]], mode: Mode) -> Scale:
    """Return the scale that fits all charts, so that their heights can be compared."""
    if mode.shows_shares:
        return Scale(1.0, "share of person-time", 1.0)
    measures = [one.measures for buckets in charts for one in buckets]
    heights = [one.total_s * (per_hour(one) if mode is Mode.RATE else 1) for one in measures]
    top_s = max(heights, default=0.0)
    unit_s, name = 1, "person-seconds"
    if top_s >= 2 * HOUR_S:
        unit_s, name = HOUR_S, "person-hours"
    elif top_s >= 2 * MINUTE_S:
        unit_s, name = MINUTE_S, "person-minutes"
    per = "covered hour" if mode is Mode.RATE else "step"
    return Scale(unit_s, f"{name} per {per}", (top_s / unit_s or 1.0) * 1.04)


def per_hour(found: Measures) -> float:
    """Return the factor from an amount to the amount per covered hour; 0 without coverage."""
    return HOUR_S / found.analyzed_s if found.analyzed_s else 0.0


def rate_text(found: Measures) -> str:
    """Return person-time per covered hour as text."""
    return person_time(per_hour(found) * found.total_s)


def partial_note(bucket: Bucket) -> str:
    """Return why the bucket is partial, or "": it is partly out of the range, or partly covered."""
    notes = ["partly in range"] if bucket.partial else []
    if not bucket.measures.is_gap() and bucket.coverage < MIN_COMPARABLE:
        notes.append("partly covered")
    return ", ".join(notes)
