"""GrowingCounters: counters of a process, from totals that may shrink."""

from hypothesis import given
from hypothesis import strategies as st

from moodline.metrics.growing_counters import GrowingCounters


def counted(*totals: float) -> list[float]:
    """Return the counter after each of the totals."""
    counters = GrowingCounters[str]()
    return [counters.update({"a": total})["a"] for total in totals]


def test_a_counter_begins_at_zero_and_grows_with_its_total() -> None:
    assert counted(5000, 5000, 5010, 5040) == [0, 0, 10, 40]


def test_a_correction_is_counted_when_the_total_has_grown_again() -> None:
    assert counted(100, 130, 110, 120, 135) == [0, 30, 30, 30, 35]


def test_an_erasure_does_not_stop_a_counter() -> None:
    before, after, later, last = counted(90_000, 10_000, 10_600, 10_700)
    assert (before, after, later, last) == (0, 0, 0, 100)


def test_what_is_gone_is_forgotten() -> None:
    counters = GrowingCounters[str]()
    counters.update({"a": 1, "b": 1})
    assert counters.update({"b": 3}) == {"b": 2}
    assert counters.update({"a": 9, "b": 3}) == {"a": 0, "b": 2}


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_a_counter_never_shrinks(totals: list[float]) -> None:
    found = counted(*totals)
    assert found == sorted(found) and found[0] == 0
