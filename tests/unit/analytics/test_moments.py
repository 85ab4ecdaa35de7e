"""Given a timeline, only changes above normal variation are moments."""

from analytics.history.moments import moments
from analytics.history.timeline import Timeline
from tests.unit.dashboard.buckets import buckets


def test_small_changes_of_shares_are_not_moments() -> None:
    assert not moments(timeline_of([50, 52, 50, 53]))
    (one,) = moments(timeline_of([50, 52, 58]))
    assert one.label in {"happy", "neutral"} and round(one.change, 2) == 0.06


def timeline_of(happy: list[int]) -> Timeline:
    found = buckets(*({"happy": one, "neutral": 100 - one} for one in happy))
    return Timeline(found[0].begin, found[-1].end, 3600, {"gate": found})
