"""LiveClock: capture times of live frames, from a wall-clock anchor and the monotonic clock."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

log = structlog.get_logger()

_STEP_S: Final = 2.0


class LiveClock:
    """UTC time that does not run backwards when the wall clock is corrected by a little.

    If the wall clock steps by more than two seconds, as after a start with a wrong date, this clock
    follows. steps: number of such steps. stepped_s: when the last one was detected, in seconds of
    the monotonic clock. wall: seconds since 1970. monotonic: seconds. Threads may share a clock.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._anchor_wall, self._anchor_monotonic = wall(), monotonic()
        self._lock = threading.Lock()
        self.steps = 0
        self.stepped_s: float | None = None

    def now_s(self) -> float:
        """Return the seconds of the monotonic clock."""
        return self._monotonic()

    def captured_at(self) -> datetime:
        """Return the current time, UTC."""
        with self._lock:
            now = self._monotonic()
            moment = self._anchor_wall + now - self._anchor_monotonic
            step_s = self._wall() - moment
            if abs(step_s) > _STEP_S:
                log.warning("the wall clock was set", by_s=round(step_s, 1))
                self._anchor_wall, self._anchor_monotonic = self._wall(), now
                self.steps, self.stepped_s = self.steps + 1, now
                moment = self._anchor_wall
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=moment)
