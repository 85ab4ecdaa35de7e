"""Moments: the largest changes of expression between neighbouring buckets of a timeline."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from analytics.history.measures import Measures
from analytics.history.timeline import Bucket, Timeline

MIN_PERSON_S: Final = 5.0
"""Shares of fewer person-seconds are too uncertain to be compared."""
MIN_CHANGE: Final = 0.05
"""Smaller changes are normal variation."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A change of a series' shares at the moment `at`.

    change: total variation distance between the shares of both buckets, half the sum of their
    absolute differences: MIN_CHANGE..1. label: the label that changed most; before, now: its
    shares. source: the source's name, or "tag NAME" for a group.
    """

    source: str
    at: datetime
    change: float
    label: str
    before: float
    now: float


def moments(found: Timeline, limit: int = 10) -> tuple[Moment, ...]:
    """Return the largest changes, largest first, between buckets with MIN_PERSON_S or more."""
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
    if change < MIN_CHANGE:
        return None
    _, label = max(moved, key=lambda one: abs(one[0]))
    return Moment(source, now.begin, change, label, earlier[label], later[label])


def _shares(found: Measures) -> dict[str, float] | None:
    if found.total_s < MIN_PERSON_S or found.shares is None:
        return None
    return dict(found.shares)
