"""SystemWatch: the verdict on the whole system, for a service's probes and metrics."""

import time
from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from analytics.health.verdict import Level, Verdict
from moodline.metrics.fresh_answer import FreshAnswer

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
        self._verdict = FreshAnswer(read, clock)
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
        verdict = self._verdict.look()
        if verdict is None:
            return self._note(Level.UNKNOWN, ())
        return self._note(verdict.level, tuple(one.kind for one in verdict.problems))

    def _note(self, level: Level, kinds: tuple[str, ...]) -> tuple[Level, tuple[str, ...]]:
        self._health.set(_LEVELS[level])
        self._problems.clear()
        for kind in kinds:
            self._problems.labels(kind).inc()
        return level, tuple(sorted(set(kinds)))
