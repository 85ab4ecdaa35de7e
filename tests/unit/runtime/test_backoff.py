"""Pauses between attempts, and attempts that repeat until one succeeds."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import DatabaseError
from runtime.backoff import LONGEST_PAUSE_S, Backoff, retry_until_stopped
from runtime.stop_signal import StopSignal


class Stop(StopSignal):
    """A stop signal without handlers; set after `waits` waits."""

    def __init__(self, waits: int) -> None:
        self.waited: list[float] = []
        self._waits = waits

    def is_set(self) -> bool:
        return len(self.waited) >= self._waits

    def wait(self, timeout_s: float) -> bool:
        self.waited.append(timeout_s)
        return self.is_set()


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_pauses_double_up_to_eight_seconds_until_reset(seed: int, tries: int) -> None:
    backoff = Backoff(random.Random(seed))
    pauses = [backoff.next_pause_s() for _ in range(tries)]
    for number, pause in enumerate(pauses):
        most = min(0.5 * 2**number, LONGEST_PAUSE_S)
        assert most / 2 <= pause <= most
    backoff.reset()
    assert backoff.next_pause_s() <= 0.5


def test_retry_returns_the_first_result() -> None:
    stop, failures = Stop(10), [DatabaseError("away"), DatabaseError("still away")]

    def attempt() -> str:
        if failures:
            raise failures.pop()
        return "read"

    assert retry_until_stopped(attempt, DatabaseError, stop, action="read it") == "read"
    assert stop.waited == [1.0, 1.0]


def test_retry_raises_the_last_error_when_stopped() -> None:
    stop = Stop(3)

    def attempt() -> None:
        raise DatabaseError(f"away for the {len(stop.waited)}th time")

    with pytest.raises(DatabaseError, match="3th"):
        retry_until_stopped(attempt, DatabaseError, stop, action="read it", pause_s=0.1)
    assert stop.waited == [0.1] * 3


def test_retry_does_not_catch_other_errors() -> None:
    def attempt() -> None:
        raise ValueError

    with pytest.raises(ValueError):
        retry_until_stopped(attempt, DatabaseError, Stop(3), action="read it")


def test_pauses_without_jitter_are_exact() -> None:
    backoff = Backoff(jitter=False)
    assert [backoff.next_pause_s() for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
