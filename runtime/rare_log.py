"""Warnings about events that may come thousands of times a second: one line in ten seconds."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import structlog

log = structlog.get_logger()

_EVERY_S: Final = 10.0


class RareLog:
    """Logs an event at once, and its repetitions at most every ten seconds, with their number."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged_at: dict[str, float] = {}
        self._since: Counter[str] = Counter()

    def warn(self, event: str, **details: Any) -> None:
        """Log the event. details: of this one; `times` counts all since the last line."""
        self._since[event] += 1
        now = self._clock()
        if now - self._logged_at.get(event, -_EVERY_S) < _EVERY_S:
            return
        self._logged_at[event] = now
        log.warning(event, times=self._since.pop(event), **details)
