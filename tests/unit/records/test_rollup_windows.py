"""Rollup windows: a range is split exactly at the window starts."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from contracts.times import MICROS
from records.rollups.windows import WIDTHS, split_by_window, window_start

MOMENTS = st.integers(0, 4 * 86_400 * MICROS)


@given(MOMENTS, MOMENTS, st.sampled_from([900, 3600, 86_400]))
def test_the_parts_of_a_range_add_up_to_it(one: int, other: int, width_s: int) -> None:
    since, until = sorted((one, other))
    parts = list(split_by_window(since, until, width_s))
    assert sum(part.until_us - part.since_us for part in parts) == until - since
    for part, following in pairwise(parts):
        assert part.until_us == following.since_us == following.start_us
    for part in parts:
        assert part.start_us == window_start(part.since_us, width_s)
        assert part.since_us < part.until_us <= part.start_us + width_s * MICROS


def test_an_empty_range_has_no_parts() -> None:
    assert all(not list(split_by_window(5, 5, width_s)) for width_s in WIDTHS)
