"""Refusals: counts and logs what was found in the broker and not believed."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import structlog

log = structlog.get_logger()

_LOG_EVERY_S: Final = 10.0


class Refusals:
    """The refused values of one connection.

    counts: by kind. Each kind is logged at most every ten seconds, and no value is quoted: a
    program that writes a million values must not fill the log, nor choose what is in it.
    clock: in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts: Counter[str] = Counter()
        self._clock = clock
        self._log_at: dict[str, float] = {}

    def note(self, kind: str, count: int = 1) -> None:
        """Count refused values. kind: one of a few constant names."""
        if not count:
            return
        self.counts[kind] += count
        now = self._clock()
        if now < self._log_at.get(kind, now):
            return
        self._log_at[kind] = now + _LOG_EVERY_S
        log.warning(
            "refused what another program wrote into the broker",
            kind=kind,
            refused=self.counts[kind],
            hint="Check who can reach it, and that all hosts run the same version and database",
        )
