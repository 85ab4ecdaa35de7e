"""Pacing: live frames are played at their own pace, and sampled at the requested rate."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.live.pacing import EARLIEST_S, LATEST_S, LiveSampling, Playback, dwell_limit_us


def play_times(playback: Playback, frames: list[tuple[float, float]]) -> list[float]:
    """Return when each frame is played. frames: arrival and media times, seconds."""
    played, free_s = [], 0.0
    for arrived_s, media_s in frames:
        now_s = max(arrived_s, free_s)
        free_s = now_s + playback.wait_s(media_s, now_s)
        played.append(free_s)
    return played


def test_segments_that_arrive_in_bursts_are_played_at_their_pace() -> None:
    frames = [(2.0 * (number // 50), number / 25) for number in range(200)]
    played = play_times(Playback(), frames)
    gaps = [after - before for before, after in pairwise(played)]
    assert all(0.039 < gap < 0.041 for gap in gaps)


def test_after_an_interruption_the_pace_is_kept_without_a_burst() -> None:
    late_s = 3.0
    frames = [(0.0 if number < 50 else 2.0 + late_s, number / 25) for number in range(150)]
    played = play_times(Playback(), frames)
    gaps = [after - before for before, after in pairwise(played)]
    assert sorted(gaps)[:-1] == pytest.approx([0.04] * 148)
    assert max(gaps) == pytest.approx(late_s + 0.04)


@pytest.mark.parametrize("jump_s", [-500.0, 50.0, 95443.0])
def test_a_jump_of_media_times_causes_no_pause(jump_s: float) -> None:
    frames = [(0.0, number / 25 + (jump_s if number >= 25 else 0.0)) for number in range(50)]
    played = play_times(Playback(), frames)
    assert played[-1] == pytest.approx(49 / 25 - 0.04)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-1e6, 1e6)), min_size=1))
def test_no_frame_waits_longer_than_the_limit(frames: list[tuple[float, float]]) -> None:
    playback = Playback()
    for now_s, media_s in sorted(frames):
        assert 0 <= playback.wait_s(media_s, now_s) <= EARLIEST_S
        assert playback.wait_s(media_s, now_s + 2 * LATEST_S) <= EARLIEST_S


@pytest.mark.parametrize("rate", [25.0, 30.0, 12.5, 7.0])
@given(seed=st.integers(0, 1000))
def test_jitter_does_not_reduce_the_sampling_rate(rate: float, seed: int) -> None:
    chance = random.Random(seed)
    sampling = LiveSampling(5.0)
    arrivals = sorted(number / rate + chance.uniform(0, 0.1) for number in range(int(60 * rate)))
    taken = sum(sampling.is_sampled(at_s) for at_s in arrivals)
    assert 298 <= taken <= 302


def test_frames_due_during_a_silence_are_not_made_up_for() -> None:
    sampling = LiveSampling(5.0)
    arrivals = [number / 25 for number in range(25)] + [10 + number / 25 for number in range(25)]
    assert sum(sampling.is_sampled(at_s) for at_s in arrivals) <= 11
    assert all(LiveSampling(None).is_sampled(0.0) for _ in range(3))


@pytest.mark.parametrize("fps", [5.0, 1.0, 0.2])
@given(seed=st.integers(0, 1000))
def test_a_camera_as_fast_as_its_sampling_loses_no_frame_to_jitter(fps: float, seed: int) -> None:
    chance = random.Random(seed)
    sampling = LiveSampling(fps)
    arrivals = [(number + chance.uniform(0, 0.2)) / fps for number in range(200)]
    taken = [at_s for at_s in arrivals if sampling.is_sampled(at_s)]
    assert len(taken) >= 198
    limit_s = dwell_limit_us(fps) / 1e6
    assert all(after - before <= limit_s for before, after in pairwise(taken))


def test_a_live_frame_stands_for_one_and_a_half_periods_at_most() -> None:
    assert [dwell_limit_us(fps) for fps in (None, 25.0, 1.0, 0.5, 0.2)] == [
        *(1_000_000, 1_000_000, 1_500_000, 3_000_000, 7_500_000)
    ]
    assert dwell_limit_us(1e-9) == 24 * 3600 * 1_000_000
