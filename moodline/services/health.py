"""The health of a service: whether its main loop runs, and whether it can work."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Self

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector

from analytics.health.verdict import Level, Verdict
from contracts.redaction import redact
from moodline.services.system_watch import SystemWatch

_STALLS: Final = 2
_BROKEN: Final = (Level.DOWN, Level.UNKNOWN)


class Health:
    """The health of this service, as its main loop notes it.

    stall_s: longest time between two steps of a service that is alive. clock: in seconds.
    """

    def __init__(self, stall_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._stall_s = stall_s
        self._clock = clock
        self._stepped_at = clock()
        self._trouble = "starting"
        self._system: SystemWatch | None = None
        self._decides = False
        self._lacks: tuple[str, ...] = ()
        ready = Gauge(
            "moodline_ready", "1 when the service can work, else 0.", registry=self.registry
        )
        ready.set_function(lambda: float(not self._trouble))

    @classmethod
    def for_steps(cls, stall_s: float) -> Self:
        """Return the health of a service each step of which may take `stall_s`, plus as much."""
        return cls(_STALLS * stall_s)

    def watch_system(self, read: Callable[[], Verdict], *, decides: bool = False) -> None:
        """Report the verdict on the whole system too. read: blocks, and raises nothing.

        decides: whether this service is not ready while the system is down or unknown. True for
        `moodline up`, which is the whole system.
        """
        self._system = SystemWatch(self.registry, read)
        self._decides = decides

    def look_at_system(self) -> tuple[Level, tuple[str, ...]] | None:
        """Return the system's level and kinds of problems; None for a service without a watch.

        Blocks for two seconds at most, and sets the metrics.
        """
        return None if self._system is None else self._system.look()

    def note_step(self, trouble: str, lacks: Sequence[str] = ()) -> None:
        """Note the end of a step. trouble: why the service could not work, or "".

        lacks: models and detectors that runs need and this service does not have; it can still
        work on other runs.
        """
        self._stepped_at = self._clock()
        self._lacks = tuple(lacks)
        self._trouble = redact(trouble)

    def alive(self) -> tuple[bool, dict[str, object]]:
        """Return whether the main loop runs; if not, the service is stuck and must be restarted."""
        age_s = self._clock() - self._stepped_at
        return age_s <= self._stall_s, {"last_turn_s": round(age_s, 1)}

    def ready(self) -> tuple[bool, dict[str, object]]:
        """Return whether the service can work: it reaches broker and database, and has a model.

        Blocks for two seconds at most, to look at the system.
        """
        alive, facts = self.alive()
        facts |= {"trouble": self._trouble} | ({"lacks": self._lacks} if self._lacks else {})
        ready = alive and not self._trouble
        if (seen := self.look_at_system()) is not None:
            level, kinds = seen
            facts |= {"health": level, "problems": kinds}
            ready = ready and not (self._decides and level in _BROKEN)
        return ready, facts
