"""Throttle: after a few failures, each further attempt has to wait longer."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

FREE_ATTEMPTS: Final = 5
_MEMORY_S: Final = 3600.0
_MAX_KEYS: Final = 10_000


class Throttle:
    """Counts failures by key, in bounded memory. longest_s: the longest wait."""

    def __init__(self, longest_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._longest_s = longest_s
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """Return the seconds until the next attempt is allowed; 0 if it is allowed now."""
        count, failed_at = self._failures_of(key)
        if count < FREE_ATTEMPTS:
            return 0.0
        wait_s = min(2.0 ** (count - FREE_ATTEMPTS), self._longest_s)
        return max(failed_at + wait_s - self._clock(), 0.0)

    def fail(self, key: str) -> None:
        """Count a failure. If there are too many keys, the oldest failures are dropped."""
        count, _ = self._failures_of(key)
        self._failures[key] = min(count + 1, 64), self._clock()
        self._failures.move_to_end(key)
        while len(self._failures) > _MAX_KEYS:
            self._failures.popitem(last=False)

    def succeed(self, key: str) -> None:
        """Reset the count of a key."""
        self._failures.pop(key, None)

    def _failures_of(self, key: str) -> tuple[int, float]:
        count, failed_at = self._failures.get(key, (0, 0.0))
        return (count, failed_at) if self._clock() - failed_at < _MEMORY_S else (0, 0.0)
