"""MediaClock: exact media times from ticks, which never decrease."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ingest.timestamps import MAX_STEP_BACK_US, MediaClock, nearest, without_strays

CLOCK = MediaClock(Fraction(1, 1000), start=100, frame_us=Fraction(40_000))


def media_times(clock: MediaClock, stamps: list[int | None]) -> list[int | None]:
    times = []
    for stamp in stamps:
        clock = clock.next(stamp)
        times.append(clock.last_us)
    return times


def test_media_time_starts_with_the_stream() -> None:
    assert media_times(CLOCK, [100, 133, 167, 1100]) == [0, 33_000, 67_000, 1_000_000]


@given(
    st.integers(1, 90000),
    st.integers(1, 10**6),
    st.lists(st.integers(0, 10**9), min_size=1, unique=True),
)
def test_media_time_is_exact_to_half_a_microsecond(num: int, den: int, ticks: list[int]) -> None:
    clock = MediaClock(Fraction(num, den), start=7, frame_us=Fraction(40_000))
    for tick, us in zip(
        sorted(ticks), media_times(clock, [7 + tick for tick in sorted(ticks)]), strict=True
    ):
        assert us is not None
        assert abs(us - Fraction(tick * num * 1_000_000, den)) <= Fraction(1, 2)


@given(st.lists(st.none() | st.integers(-(10**7), 10**7)))
def test_media_time_never_decreases(stamps: list[int | None]) -> None:
    times = media_times(CLOCK, stamps)
    assert times == sorted(times)
    assert all(time >= 0 for time in times)


def test_a_frame_out_of_order_gets_its_predecessors_time() -> None:
    assert media_times(CLOCK, [100, 180, 140, 220]) == [0, 80_000, 80_000, 120_000]


def test_restarted_timestamps_continue_one_frame_later() -> None:
    late = 100 + 10 * MAX_STEP_BACK_US // 1000
    assert media_times(CLOCK, [late, 100, 140]) == [10_000_000, 10_040_000, 10_080_000]


def test_frames_without_timestamps_follow_at_the_nominal_rate_without_drift() -> None:
    clock = replace(CLOCK, frame_us=Fraction(1_001_000, 30))
    times = media_times(clock, [None] * 30_001)
    assert times[-1] == 1_001_000_000


def test_halves_round_up() -> None:
    assert [nearest(Fraction(n, 2)) for n in (-1, 1, 3, 4)] == [0, 1, 2, 2]


WRAPPING = replace(CLOCK, wrap=2**33)


def test_timestamps_that_wrap_keep_their_gap() -> None:
    times = media_times(WRAPPING, [2**33 - 40, 0, 40, 5040])
    begin = (2**33 - 140) * 1000
    assert times == [begin, begin + 40_000, begin + 80_000, begin + 5_080_000]


def test_timestamps_that_begin_again_have_not_wrapped() -> None:
    begin = (2**32 - 100) * 1000
    assert media_times(WRAPPING, [2**32, 0, 40]) == [begin, begin + 40_000, begin + 80_000]


def kept(stamps: list[int | None], most: int = 1000) -> list[int | None]:
    """Return the stamps that are not stray; the items stay as they were, in their order."""
    found = list(without_strays(((stamp, stamp) for stamp in stamps), most))
    assert [item for item, _ in found] == stamps
    return [stamp for _, stamp in found]


def test_up_to_three_stray_timestamps_are_left_out() -> None:
    steady = [*range(0, 800, 40)]
    for strays in ([10**6], [-(10**6)], [10**6, -(10**6)], [5000, None, 10**6]):
        begin, end = steady[:10], steady[10 + len(strays) :]
        assert kept([*begin, *strays, *end]) == [*begin, *[None] * len(strays), *end]


def test_gaps_and_restarts_are_not_stray() -> None:
    gap = [0, 40, 80, 60_000, 60_040, 60_080, 60_120]
    restart = [9000, 9040, 0, 40, 80, 120, 160]
    clip_of_a_second = [1200, 1240, 0, 200, 400, 600, 800]
    slow = [*range(0, 100_000, 10_000)]
    for stamps in (gap, restart, clip_of_a_second, slow, [None, None, 0, 40, None]):
        assert kept(stamps) == stamps


def test_a_stray_timestamp_at_the_end_is_a_gap() -> None:
    assert kept([0, 40, 10**6]) == [0, 40, 10**6]


@given(st.lists(st.none() | st.integers(-(10**4), 10**4)))
def test_no_item_is_lost(stamps: list[int | None]) -> None:
    for before, after in zip(stamps, kept(stamps), strict=True):
        assert after in (before, None)
