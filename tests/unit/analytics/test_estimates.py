"""The uncertainty of a difference of shares holds what it promises, with tracks as samples."""

import random
from collections.abc import Callable
from math import inf, sqrt

import pytest

from analytics.comparison.estimates import (
    Estimate,
    LabelSquares,
    TrackSums,
    from_count,
    from_tracks,
    margin,
    t_quantile,
)

Track = tuple[float, float]
"""Seconds in view, and those of them with the label."""


def sums_of(tracks: list[Track]) -> TrackSums:
    return TrackSums(
        len(tracks),
        sum(x for x, _ in tracks),
        sum(x * x for x, _ in tracks),
        {"happy": LabelSquares(sum(y * y for _, y in tracks), sum(x * y for x, y in tracks))},
    )


def share_of(tracks: list[Track]) -> float:
    return sum(y for _, y in tracks) / sum(x for x, _ in tracks)


def estimate_of(tracks: list[Track]) -> Estimate:
    return from_tracks(sums_of(tracks), "happy", share_of(tracks))


def short_visits(chance: random.Random) -> Track:
    """A visit of which the person smiles for a part of its own."""
    stay = chance.expovariate(1 / 12)
    return stay, stay * chance.betavariate(0.6, 1.4)


def smiles_or_not(chance: random.Random) -> Track:
    """A visit with one expression throughout; some stay much longer than others."""
    stay = chance.lognormvariate(2, 0.9)
    return stay, stay * (chance.random() < 0.3)


def longer_if_happy(chance: random.Random) -> Track:
    """Happy people stay twice as long, so that the share is not the share of people."""
    happy = chance.random() < 0.3
    stay = chance.gammavariate(2, 10 if happy else 5)
    return stay, stay * happy


@pytest.mark.parametrize("count", [12, 40, 150])
@pytest.mark.parametrize(
    ("visit", "true_share"),
    [(short_visits, 0.3), (smiles_or_not, 0.3), (longer_if_happy, 0.6 / 1.3)],
)
def test_the_interval_contains_the_true_difference_as_often_as_it_says(
    visit: Callable[[random.Random], Track], true_share: float, count: int
) -> None:
    """Both times have the same true share, so the true difference is 0."""
    chance, held, tried, centre = random.Random(f"{visit.__name__} {count}"), 0, 600, 0.0
    for _ in range(tried):
        now, before = ([visit(chance) for _ in range(count)] for _ in range(2))
        held += abs(share_of(now) - share_of(before)) <= margin(
            estimate_of(now), estimate_of(before)
        )
        centre += share_of(now) / tried
    assert centre == pytest.approx(true_share, abs=0.03)
    assert 0.93 <= held / tried <= 0.995


def test_more_people_make_it_narrower_and_more_frames_do_not() -> None:
    chance = random.Random(4)
    few = [short_visits(chance) for _ in range(50)]
    many = few + [short_visits(chance) for _ in range(150)]
    wide = margin(estimate_of(few), estimate_of(few))
    assert margin(estimate_of(many), estimate_of(many)) < 0.6 * wide
    longer = [(10 * x, 10 * y) for x, y in few]
    assert margin(estimate_of(longer), estimate_of(longer)) == pytest.approx(wide)


def test_one_long_stay_is_not_many_people() -> None:
    even = [(10.0, 5.0)] * 20
    one_stays = [*even, (5000.0, 5000.0)]
    assert sums_of(even).effective == pytest.approx(20)
    assert sums_of(one_stays).effective < 1.2
    assert margin(estimate_of(one_stays), estimate_of(even)) > 1, "nothing can be said"


def test_a_label_that_nobody_showed_is_not_certain_to_be_absent() -> None:
    nobody = estimate_of([(10.0, 0.0)] * 20)
    assert 0.05 < margin(nobody, nobody) < 0.2


def test_the_number_of_tracks_alone_gives_the_wider_interval() -> None:
    chance = random.Random(9)
    tracks = [short_visits(chance) for _ in range(200)]
    known, counted = estimate_of(tracks), from_count(200, share_of(tracks))
    assert counted.share == known.share
    assert 1 < sqrt(counted.variance / known.variance) < 3


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(4, 2.7764), (5, 2.5706), (10, 2.2281), (30, 2.0423), (inf, 1.96)],
)
def test_the_quantile_is_that_of_the_tables(freedom: float, quantile: float) -> None:
    assert t_quantile(0.975, freedom) == pytest.approx(quantile, abs=0.002)
