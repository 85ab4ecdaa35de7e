"""Measures computed from rollup sums."""

import pytest

from analytics.history.measures import measures_from_sums
from contracts.times import MICROS


def test_valence_is_derived_from_the_probabilities() -> None:
    happy = {"happy_ms": 1000, "p_happy": 1_000_000 * 1000}
    assert measures_from_sums(happy).valence == pytest.approx(0.8025)
    assert measures_from_sums({}).valence is None and measures_from_sums({}).shares is None
    assert measures_from_sums({"p_happy": 5 * MICROS}).valence is None
