"""Moments: where expressions changed most from one step of a timeline to the next."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from analytics.history.measures import Measures
from analytics.history.trends import Bucket, Timeline

LEAST_PERSON_S: Final = 5.0
"""A share of less than that says nothing."""
LEAST_CHANGE: Final = 0.05
"""A smaller change is no moment: it is how shares wander."""


@dataclass(frozen=True, slots=True)
class Moment:
    """At `at`, a source's shares moved by `change`: LEAST_CHANGE or more, 1 entirely.

    change: the total variation distance of both steps' shares, half the sum of the differences.
    label: the one that moved most, from `before` to `now`, shares of 0..1. source: of a group
    "tag" and its tag.
    """

    source: str
    at: datetime
    change: float
    label: str
    before: float
    now: float


def moments(found: Timeline, limit: int = 10) -> tuple[Moment, ...]:
    """The sharpest changes, the sharpest first; only between adjoining steps with enough seen."""
    groups = {f"tag {tag}": buckets for tag, buckets in found.groups.items()}
    changes = [
        moment
        for source, buckets in (*found.series.items(), *groups.items())
        for before, now in pairwise(buckets)
        if (moment := _change(source, before, now)) is not None
    ]
    changes.sort(key=lambda moment: (-moment.change, moment.at, moment.source))
    return tuple(changes[:limit])


def _change(source: str, before: Bucket, now: Bucket) -> Moment | None:
    earlier, later = _shares(before.measures), _shares(now.measures)
    if earlier is None or later is None:
        return None
    moved = [(later[label] - earlier[label], label) for label in later]
    change = sum(abs(by) for by, _ in moved) / 2
    if change < LEAST_CHANGE:
        return None
    _, label = max(moved, key=lambda one: abs(one[0]))
    return Moment(source, now.begin, change, label, earlier[label], later[label])


def _shares(found: Measures) -> dict[str, float] | None:
    if found.total_s < LEAST_PERSON_S or found.shares is None:
        return None
    return dict(found.shares)
