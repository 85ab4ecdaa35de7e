"""When a live picture was taken: a wall-clock anchor and the monotonic time since."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

_STEP_S: Final = 2.0


class LiveClock:
    """UTC that never runs backwards between small corrections of the wall clock.

    A step of the wall clock by more than two seconds, as after a wrong start, is taken over, and
    counted in `steps`. wall, monotonic: seconds since 1970, and since any moment.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._anchor_wall, self._anchor_monotonic = wall(), monotonic()
        self.steps = 0

    def now_s(self) -> float:
        """The monotonic clock's seconds."""
        return self._monotonic()

    def captured_at(self) -> datetime:
        """The moment now, UTC."""
        now = self._monotonic()
        moment = self._anchor_wall + now - self._anchor_monotonic
        if abs(self._wall() - moment) > _STEP_S:
            self._anchor_wall, self._anchor_monotonic = self._wall(), now
            self.steps += 1
            moment = self._anchor_wall
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=moment)
