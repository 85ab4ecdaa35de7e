"""Sampling: one frame for each point of the grid, decided from two media times."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import SettingsError
from ingest.sampling import TOLERANCE_US, is_sampled, sampling_rate

rates = st.floats(0.01, 240).map(sampling_rate)
gaps = st.lists(st.integers(0, 2_000_000), max_size=60)


def taken(times_us: list[int], rate: Fraction) -> list[int]:
    previous: list[int | None] = [None, *times_us]
    return [t for p, t in zip(previous, times_us, strict=False) if is_sampled(p, t, rate)]


def running(gaps_us: list[int]) -> list[int]:
    times = [0]
    for gap in gaps_us:
        times.append(times[-1] + gap)
    return times


@given(gaps, rates)
def test_the_first_frame_at_or_after_each_grid_point_is_sampled(
    gaps_us: list[int], rate: Fraction
) -> None:
    times_us = running(gaps_us)
    expected = set()
    point = 0
    while (at_us := point * 1_000_000 / rate - TOLERANCE_US) <= times_us[-1]:
        later = next(index for index, time_us in enumerate(times_us) if time_us >= at_us)
        expected.add(later)
        point = max(
            point + 1,
            (times_us[later] + TOLERANCE_US) * rate.numerator // (1_000_000 * rate.denominator) + 1,
        )
    assert taken(times_us, rate) == [times_us[index] for index in sorted(expected)]


@given(gaps, rates)
def test_no_more_frames_are_sampled_than_the_grid_has_points(
    gaps_us: list[int], rate: Fraction
) -> None:
    times_us = running(gaps_us)
    assert len(taken(times_us, rate)) <= (times_us[-1] + TOLERANCE_US) * rate / 1_000_000 + 1


@given(st.integers(1, 120), st.integers(1, 300))
def test_a_rate_at_or_above_the_frame_rate_samples_every_frame(
    source_rate: int, count: int
) -> None:
    in_whole_ms = [1000 * round(Fraction(1000 * index, source_rate)) for index in range(count)]
    for rate in (Fraction(source_rate), Fraction(source_rate * 2)):
        assert taken(in_whole_ms, rate) == in_whole_ms


@given(st.integers(1, 10), st.integers(1, 12))
def test_a_divisor_of_the_frame_rate_samples_every_nth_frame(nth: int, rate: int) -> None:
    times_us = [round(Fraction(1_000_000 * index, rate * nth)) for index in range(100)]
    assert taken(times_us, Fraction(rate)) == times_us[::nth]


def test_the_rate_is_exactly_the_given_decimal() -> None:
    assert sampling_rate(0.1) == Fraction(1, 10)
    assert sampling_rate(29.97) == Fraction(2997, 100)


@pytest.mark.parametrize("fps", [0.0, -1.0, float("inf"), float("nan")])
def test_an_invalid_rate_is_refused(fps: float) -> None:
    with pytest.raises(SettingsError):
        sampling_rate(fps)
