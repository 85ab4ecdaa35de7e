"""Dwells in milliseconds add up to the time that their frames cover, whatever its parts are."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from contracts.frames import Counters, FrameMessage, decode
from inference_worker.faces.dwell import dwell_ms

PERIODS_US = st.lists(st.integers(0, 900_000), min_size=1, max_size=200)


def message(at_us: int, dwell_us: int | None = None, limit_us: int = 1_000_000) -> FrameMessage:
    return FrameMessage(
        run_id="r",
        seq=1,
        frame_index=0,
        media_time_us=at_us,
        captured_at_us=0,
        width=4,
        height=2,
        display_width=4,
        display_height=2,
        counters=Counters(1),
        luma=bytes(8),
        dwell_us=dwell_us,
        dwell_limit_us=limit_us,
    )


def moments(periods_us: list[int]) -> list[int]:
    at, found = 0, [0]
    for period in periods_us:
        at += period
        found.append(at)
    return found


@given(PERIODS_US)
def test_a_recordings_dwells_add_up_to_its_duration(periods_us: list[int]) -> None:
    at = moments(periods_us)
    found = [dwell_ms(message(one, after - one), None) for one, after in pairwise(at)]
    assert sum(found) == at[-1] // 1000


@given(PERIODS_US)
def test_a_live_sources_dwells_add_up_to_the_time_since_its_first_frame(
    periods_us: list[int],
) -> None:
    at = moments(periods_us)
    found = [dwell_ms(message(after), one) for one, after in pairwise(at)]
    assert dwell_ms(message(0), None) == 0
    assert sum(found) == at[-1] // 1000


def test_an_outage_of_a_live_source_counts_up_to_the_limit_of_its_sampling() -> None:
    assert dwell_ms(message(60_000_000), 0) == 1000
    assert dwell_ms(message(60_000_000, limit_us=7_500_000), 0) == 7500
    assert dwell_ms(message(5_400_000, limit_us=7_500_000), 0) == 5400
    assert dwell_ms(message(5_000_000), 5_040_000) == 0


def test_a_message_says_what_its_frame_stands_for() -> None:
    for dwell_us in (None, 0, 5_000_000):
        one = message(0, dwell_us, limit_us=7_500_000)
        assert decode(one.encode()) == one
