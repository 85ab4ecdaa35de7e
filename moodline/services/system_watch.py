"""SystemWatch: the verdict on the whole system, for a service's probes and metrics."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from analytics.health.verdict import Level, Verdict

_FRESH_S: Final = 2.0
_WAIT_S: Final = 2.0
"""A probe waits no longer: a server that is away can take longer to say so."""
_KNOWN_S: Final = 30.0
_LEVELS: Final = {Level.HEALTHY: 0, Level.DEGRADED: 1, Level.DOWN: 2, Level.UNKNOWN: 3}


class SystemWatch:
    """Reads the verdict when a probe asks, in a thread of its own. Threads may share it.

    read: blocks, and raises nothing. clock: in seconds.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        read: Callable[[], Verdict],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._reading: Future[None] | None = None
        self._known: tuple[float, Verdict] | None = None
        self._health = Gauge(
            "moodline_health",
            "The whole system: 0 healthy, 1 degraded, 2 down, 3 unknown.",
            registry=registry,
        )
        self._problems = Gauge(
            "moodline_problems",
            "Problems of the whole system now, by kind.",
            ["kind"],
            registry=registry,
        )

    def look(self) -> tuple[Level, tuple[str, ...]]:
        """Return the level and the kinds of problems, and set the metrics. Blocks for 2 s at most.

        Unknown, if the verdict could not be read for half a minute.
        """
        reading = self._start()
        if reading is not None:
            with suppress(TimeoutError):  # What is known stays valid for a while.
                reading.result(_WAIT_S)
        known = self._known
        if known is None or self._clock() - known[0] > _KNOWN_S:
            return self._note(Level.UNKNOWN, ())
        return self._note(known[1].level, tuple(one.kind for one in known[1].problems))

    def _start(self) -> "Future[None] | None":
        """Start to read, unless what is known is fresh; return the reading that is under way."""
        with self._lock:
            if self._reading is not None and not self._reading.done():
                return self._reading
            if self._known is not None and self._clock() - self._known[0] < _FRESH_S:
                return None
            reading: Future[None] = Future()
            self._reading = reading
        threading.Thread(target=self._run, args=[reading], name="system", daemon=True).start()
        return reading

    def _run(self, reading: "Future[None]") -> None:
        try:
            verdict = self._read()
            self._known = self._clock(), verdict
        finally:
            reading.set_result(None)

    def _note(self, level: Level, kinds: tuple[str, ...]) -> tuple[Level, tuple[str, ...]]:
        self._health.set(_LEVELS[level])
        self._problems.clear()
        for kind in kinds:
            self._problems.labels(kind).inc()
        return level, tuple(sorted(set(kinds)))
