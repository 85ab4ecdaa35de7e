"""When a live picture was taken: a wall-clock anchor and the monotonic time since."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

log = structlog.get_logger()

_STEP_S: Final = 2.0


class LiveClock:
    """UTC that never runs backwards between small corrections of the wall clock.

    A step of the wall clock by more than two seconds, as after a wrong start, is taken over, and
    counted in `steps`; stepped_s: when the last one was seen, of the monotonic clock. Threads may
    share it. wall, monotonic: seconds since 1970, and since any moment.
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
        """The monotonic clock's seconds."""
        return self._monotonic()

    def captured_at(self) -> datetime:
        """The moment now, UTC."""
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
