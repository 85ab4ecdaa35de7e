"""Makes guessing slow: after some failures each further try has to wait longer."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

FREE: Final = 5
_FORGOTTEN_S: Final = 3600.0
_MOST: Final = 10_000


class Throttle:
    """Counts failures by key, in bounded memory. longest_s: the longest wait."""

    def __init__(self, longest_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._longest_s = longest_s
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """How long who has that key must wait for another try; 0 for not at all."""
        times, at = self._known(key)
        if times < FREE:
            return 0.0
        wait_s = min(2.0 ** (times - FREE), self._longest_s)
        return max(at + wait_s - self._clock(), 0.0)

    def fail(self, key: str) -> None:
        """Note a failure. The longest ago is forgotten where there are too many keys."""
        times, _ = self._known(key)
        self._failures[key] = min(times + 1, 64), self._clock()
        self._failures.move_to_end(key)
        while len(self._failures) > _MOST:
            self._failures.popitem(last=False)

    def succeed(self, key: str) -> None:
        """Forget the failures."""
        self._failures.pop(key, None)

    def _known(self, key: str) -> tuple[int, float]:
        times, at = self._failures.get(key, (0, 0.0))
        return (times, at) if self._clock() - at < _FORGOTTEN_S else (0, 0.0)
