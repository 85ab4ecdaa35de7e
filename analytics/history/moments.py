"""Moments: the most surprising changes of expression between neighbouring buckets of a timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import log
from typing import Final

from analytics.history.measures import Measures
from analytics.history.timeline import Bucket, Timeline
from contracts.expressions import EXPRESSIONS, LABELS, UNCERTAIN

MIN_PERSON_S: Final = 5.0
"""Shares of fewer person-seconds are too uncertain to be compared."""
MIN_CHANGE: Final = 0.05
"""Smaller changes are normal variation."""
MOOD: Final = tuple(label for label in EXPRESSIONS if label != "neutral")
"""The labels that a moment can be about: neutral only makes room for them."""
_APART: Final = 3
"""Buckets around a moment in which the same series has no other."""
_LEAST_SHARE: Final = 0.02
_MOST_TRACKS: Final = 50
"""More people do not make a change more surprising: else a busy hour would have all moments."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A change of a series' shares at the moment `at`.

    change: total variation distance between the shares of both buckets, half the sum of their
    absolute differences: MIN_CHANGE..1. label: of MOOD, the one that changed most; before, now: its
    shares. source: the source's name, or "tag NAME" for a group. surprise: how unlikely the shares
    now would be if nothing had changed: the likelihood ratio 2 n KL(now, before), with tracks as n
    (G-test; Sokal and Rohlf, Biometry, 1995, chapter 17).
    """

    source: str
    at: datetime
    change: float
    label: str
    before: float
    now: float
    surprise: float


def moments(found: Timeline, limit: int = 10) -> tuple[Moment, ...]:
    """Return the most surprising changes, most surprising first.

    Both buckets have MIN_PERSON_S or more, and moments of one series are apart from each other.
    """
    groups = {f"tag {tag}": buckets for tag, buckets in found.groups.items()}
    changes = [
        (index, moment)
        for source, buckets in (*found.series.items(), *groups.items())
        for index, (before, now) in enumerate(pairwise(buckets))
        if (moment := _change(source, before, now)) is not None
    ]
    changes.sort(key=lambda one: (-one[1].surprise, one[1].at, one[1].source))
    kept: list[tuple[int, Moment]] = []
    for index, moment in changes:
        if len(kept) == limit:
            break
        if not _is_near(kept, index, moment):
            kept.append((index, moment))
    return tuple(moment for _, moment in kept)


def _is_near(kept: Sequence[tuple[int, Moment]], index: int, moment: Moment) -> bool:
    return any(
        other.source == moment.source and abs(place - index) < _APART for place, other in kept
    )


def _change(source: str, before: Bucket, now: Bucket) -> Moment | None:
    earlier, later = _shares(before.measures), _shares(now.measures)
    if earlier is None or later is None:
        return None
    moved = {label: later[label] - earlier[label] for label in LABELS}
    label = max(MOOD, key=lambda one: abs(moved[one]))
    # Where mostly the quality changed, it is not a change of expression.
    if abs(moved[label]) < max(MIN_CHANGE, abs(moved[UNCERTAIN]) / 2):
        return None
    change = sum(abs(by) for by in moved.values()) / 2
    tracks = min(max(min(before.measures.tracks, now.measures.tracks), 1), _MOST_TRACKS)
    surprise = 2 * tracks * _divergence(later, earlier)
    return Moment(source, now.begin, change, label, earlier[label], later[label], surprise)


def _divergence(now: dict[str, float], before: dict[str, float]) -> float:
    """Return the Kullback-Leibler divergence, with shares of at least about _LEAST_SHARE."""
    whole = 1 + len(LABELS) * _LEAST_SHARE
    pairs = [
        ((now[label] + _LEAST_SHARE) / whole, (before[label] + _LEAST_SHARE) / whole)
        for label in LABELS
    ]
    return sum(one * log(one / other) for one, other in pairs)


def _shares(found: Measures) -> dict[str, float] | None:
    if found.total_s < MIN_PERSON_S or found.shares is None:
        return None
    return dict(found.shares)
