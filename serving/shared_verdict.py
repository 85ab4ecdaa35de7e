"""SharedVerdict: one reader of the verdict for all viewers and probes."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from analytics.health.verdict import Verdict

_FRESH_S: Final = 1.5


class SharedVerdict:
    """Reads the verdict when somebody asks, and at most every 1.5 seconds.

    read: blocks, and raises nothing. clock: in seconds. For one event loop.
    """

    def __init__(
        self, read: Callable[[], Verdict], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._lock = asyncio.Lock()
        self._known: tuple[float, Verdict] | None = None

    async def newest(self) -> Verdict:
        """Return a verdict that is at most 1.5 seconds old."""
        if (known := self._fresh()) is not None:
            return known
        async with self._lock:  # Those who come meanwhile get the same one.
            if (known := self._fresh()) is None:
                known = await asyncio.to_thread(self._read)
                self._known = self._clock(), known
        return known

    def _fresh(self) -> Verdict | None:
        if self._known is None or self._clock() - self._known[0] > _FRESH_S:
            return None
        return self._known[1]
