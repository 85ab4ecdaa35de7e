"""Given a timeline, only changes above normal variation are moments."""

from datetime import timedelta
from itertools import pairwise

from analytics.history.moments import moments
from analytics.history.timeline import Timeline
from tests.unit.dashboard.buckets import buckets


def test_small_changes_of_shares_are_not_moments() -> None:
    assert not moments(timeline_of([50, 52, 50, 53]))
    (one,) = moments(timeline_of([50, 52, 58]))
    assert one.label == "happy" and round(one.change, 2) == 0.06


def test_a_moment_is_about_an_expression_that_is_neither_neutral_nor_uncertain() -> None:
    found = buckets(
        {"neutral": 100}, {"neutral": 60, "uncertain": 40}, {"neutral": 70, "sad": 30}, {"sad": 100}
    )
    labels = [
        one.label for one in moments(Timeline(found[0].begin, found[-1].end, 60, {"a": found}))
    ]
    assert labels == ["sad"], "nothing for the faces that only became hard to read"


def test_moments_of_one_series_are_apart_and_the_most_surprising_comes_first() -> None:
    noisy = buckets(*({"happy": 50 + 40 * (place % 2), "neutral": 60} for place in range(30)))
    calm = buckets(
        *({"happy": 5, "neutral": 95 + 0 * place} for place in range(29)), {"angry": 100}
    )
    found = moments(
        Timeline(noisy[0].begin, noisy[-1].end, 3600, {"noisy": noisy, "calm": calm}), 12
    )
    assert (found[0].source, found[0].label) == ("calm", "angry")
    places = sorted(one.at for one in found if one.source == "noisy")
    assert len(found) > 5 and min(b - a for a, b in pairwise(places)) >= timedelta(hours=3)


def timeline_of(happy: list[int]) -> Timeline:
    found = buckets(*({"happy": one, "neutral": 100 - one} for one in happy))
    return Timeline(found[0].begin, found[-1].end, 3600, {"gate": found})
