"""What is a moment, and what is only how shares wander."""

from analytics.history.moments import moments
from analytics.history.trends import Timeline
from tests.unit.dashboard.buckets import buckets


def test_how_shares_wander_is_no_moment() -> None:
    assert not moments(timeline_of([50, 52, 50, 53]))
    (one,) = moments(timeline_of([50, 52, 58]))
    assert one.label in {"happy", "neutral"} and round(one.change, 2) == 0.06


def timeline_of(happy: list[int]) -> Timeline:
    found = buckets(*({"happy": one, "neutral": 100 - one} for one in happy))
    return Timeline(found[0].begin, found[-1].end, 3600, {"gate": found})
