"""Expected time of intervals, coverage, and which times are comparable."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from analytics.history.coverage import ExpectedTime, comparable, coverage
from contracts.times import MICROS, from_micros

SECONDS = st.integers(0, 300)


def at(seconds: int) -> datetime:
    return from_micros(seconds * MICROS)


@given(st.lists(st.tuples(SECONDS, SECONDS)), st.lists(SECONDS, min_size=2, max_size=2))
def test_expected_time_is_counted_second_by_second(
    pairs: list[tuple[int, int]], ends: list[int]
) -> None:
    intervals = [(min(one), max(one)) for one in pairs]
    since, until = sorted(ends)
    counted = sum(
        begin <= second < end for second in range(since, until) for begin, end in intervals
    )
    found = ExpectedTime([(begin * MICROS, end * MICROS) for begin, end in intervals])
    assert found.seconds(at(since), at(until)) == counted
    assert found.seconds(at(until), at(since)) == 0


def test_unexpected_analysed_time_counts_as_covered() -> None:
    assert (coverage(3, 0), coverage(0, 0), coverage(5, 4), coverage(1, 4)) == (1, 0, 1, 0.25)


def test_only_times_of_similar_length_and_enough_coverage_are_comparable() -> None:
    assert comparable([60, 40], [60, 40])
    assert not comparable([60, 30], [60, 30])
    assert not comparable([60, 30], [60, 60])
    assert not comparable([60, 0], [60, 0])
