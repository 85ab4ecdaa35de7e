"""ClockSteps: the clock is compared with one that nobody sets."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from runtime.clock_steps import ClockSteps, HostClock


@dataclass
class SetClock:
    """A clock of the host that a test sets and lets run."""

    now: datetime = datetime(2026, 11, 29, 12, tzinfo=UTC)
    elapsed_s: float = 1000.0
    host: HostClock = field(init=False)

    def __post_init__(self) -> None:
        self.host = HostClock(lambda: self.now, lambda: self.elapsed_s)

    def run(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.elapsed_s += seconds


@pytest.mark.parametrize("days", [-400, -0.1, 0.1, 20_000])
def test_a_step_is_reported_once(days: float) -> None:
    clock = SetClock()
    steps = ClockSteps(clock.host)
    clock.run(3600)
    assert not steps.check()
    clock.now += timedelta(days=days)
    clock.run(10)
    assert steps.check() == timedelta(days=days)
    clock.run(10)
    assert not steps.check()


def test_a_clock_that_runs_a_little_fast_was_not_set() -> None:
    clock = SetClock()
    steps = ClockSteps(clock.host)
    for _ in range(1000):
        clock.run(1)
        clock.now += timedelta(milliseconds=5)
        assert not steps.check()
