"""The scales that all charts of a page share, and how a bucket's numbers are read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Final

from analytics.history.coverage import MIN_COMPARABLE
from analytics.history.measures import Measures
from analytics.history.timeline import Bucket
from contracts.expressions import UNCERTAIN
from dashboard.language.words import N_, _
from dashboard.trends.view import Mode
from dashboard.web.number_format import person_time
from records.rollups.windows import HOUR_S, MINUTE_S

_MOSTLY_UNCERTAIN: Final = 0.5
_LEAST_VALENCE: Final = 0.2
"""The shortest range of the valence axis: within it, differences are noise."""
_WHOLE, _WHOLE_STEP = 0.98, 0.9
"""The least coverage of all charts, and of each bucket, that counts as whole."""


_STEP_NAMES: Final = {
    1: N_("person-seconds per step"),
    MINUTE_S: N_("person-minutes per step"),
    HOUR_S: N_("person-hours per step"),
}
_RATE_NAMES: Final = {
    1: N_("person-seconds per covered hour"),
    MINUTE_S: N_("person-minutes per covered hour"),
    HOUR_S: N_("person-hours per covered hour"),
}


@dataclass(frozen=True, slots=True)
class Scale:
    """The axes of a page, one for all its charts.

    top: the end of the axis of person-time, in unit_s seconds. valence: both ends of its axis.
    whole: whether all expected time was analysed in all of them, so that coverage needs no room.
    """

    unit_s: float
    name: str
    top: float
    valence: tuple[float, float] = (-1.0, 1.0)
    whole: bool = False


def scale_of(charts: Iterable[Sequence[Bucket]], mode: Mode) -> Scale:
    """Return the scale that fits all charts, so that their heights can be compared."""
    several = [*charts]
    every = [one for buckets in several for one in buckets]
    shown = (_valence_ends(every), all(is_whole(one) for one in several))
    if mode.shows_shares:
        return Scale(1.0, _("share of person-time"), 1.0, *shown)
    measures = [one.measures for one in every]
    heights = [one.total_s * (per_hour(one) if mode is Mode.RATE else 1) for one in measures]
    top_s = max(heights, default=0.0)
    unit_s = HOUR_S if top_s >= 2 * HOUR_S else MINUTE_S if top_s >= 2 * MINUTE_S else 1
    name = _((_RATE_NAMES if mode is Mode.RATE else _STEP_NAMES)[unit_s])
    return Scale(unit_s, name, (top_s / unit_s or 1.0) * 1.04, *shown)


def is_weak(bucket: Bucket) -> bool:
    """Return whether its valence rests on too little: little coverage, or mostly uncertain."""
    shares = bucket.measures.shares
    return (
        shares is None or bucket.coverage < MIN_COMPARABLE or shares[UNCERTAIN] > _MOSTLY_UNCERTAIN
    )


def _valence_ends(buckets: Iterable[Bucket]) -> tuple[float, float]:
    """Return the tenths around the valences that rest on enough, at least _LEAST_VALENCE apart."""
    found = [
        one.measures.valence
        for one in buckets
        if one.measures.valence is not None and not is_weak(one)
    ]
    if not found:
        return -1.0, 1.0
    low, high = floor(min(found) * 10 - 0.2) / 10, ceil(max(found) * 10 + 0.2) / 10
    missing = max(_LEAST_VALENCE - (high - low), 0.0) / 2
    return max(low - missing, -1.0), min(high + missing, 1.0)


def is_whole(buckets: Sequence[Bucket]) -> bool:
    """Return whether nothing is missing. The last bucket may lag behind: it still grows."""
    expected_s = sum(one.expected_s for one in buckets)
    analyzed_s = sum(one.measures.analyzed_s for one in buckets)
    return analyzed_s >= _WHOLE * expected_s and all(
        one.expected_s <= 0 or one.coverage >= _WHOLE_STEP for one in buckets[:-1]
    )


def per_hour(found: Measures) -> float:
    """Return the factor from an amount to the amount per covered hour; 0 without coverage."""
    return HOUR_S / found.analyzed_s if found.analyzed_s else 0.0


def rate_text(found: Measures) -> str:
    """Return person-time per covered hour as text."""
    return person_time(per_hour(found) * found.total_s)


def partial_note(bucket: Bucket) -> str:
    """Return why the bucket is partial, or "": it is partly out of the range, or partly covered."""
    notes = [_("partly in range")] if bucket.partial else []
    if not bucket.measures.is_gap() and bucket.coverage < MIN_COMPARABLE:
        notes.append(_("partly covered"))
    return _(", ").join(notes)
