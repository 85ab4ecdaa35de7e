"""HostClock and ClockSteps: the clock of this host, and when it is set."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from contracts.times import utc_now

_TOLERANCE: Final = timedelta(seconds=2)
_ELAPSED: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""A clock that nobody sets. That of the boot also runs while the host sleeps, where it exists."""


def elapsed_s() -> float:
    """Return seconds from an arbitrary moment, on a clock that nobody sets."""
    return time.clock_gettime(_ELAPSED)


@dataclass(frozen=True, slots=True)
class HostClock:
    """Two clocks. wall: the current time, UTC. elapsed: seconds of a clock that nobody sets."""

    wall: Callable[[], datetime] = utc_now
    elapsed: Callable[[], float] = elapsed_s


HOST_CLOCK: Final = HostClock()


class ClockSteps:
    """Notices when the wall clock is set: it then differs from the one that nobody sets."""

    def __init__(self, clock: HostClock = HOST_CLOCK) -> None:
        self._clock = clock
        self._wall_then, self._elapsed_then = clock.wall(), clock.elapsed()

    def check(self) -> timedelta:
        """Return by how much the clock was set since the last call; less than 2 s counts as 0.

        Corrections by slewing, as NTP's daemons make them, are too small for one call.
        """
        wall, elapsed = self._clock.wall(), self._clock.elapsed()
        passed = timedelta(seconds=elapsed - self._elapsed_then)
        step = wall - self._wall_then - passed
        self._wall_then, self._elapsed_then = wall, elapsed
        return step if abs(step) > _TOLERANCE else timedelta(0)
