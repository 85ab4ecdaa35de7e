"""The health of a service: whether its main loop runs, and whether it can work."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Self

from prometheus_client import CollectorRegistry, Gauge

from contracts.redaction import redact

_STALLS: Final = 2


class Health:
    """The health of this service, as its main loop notes it.

    stall_s: longest time between two steps of a service that is alive. clock: in seconds.
    """

    def __init__(self, stall_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.registry = CollectorRegistry()
        self._stall_s = stall_s
        self._clock = clock
        self._stepped_at = clock()
        self._trouble = "starting"
        self._lacks: tuple[str, ...] = ()
        ready = Gauge(
            "moodline_ready", "1 when the service can work, else 0.", registry=self.registry
        )
        ready.set_function(lambda: float(not self._trouble))

    @classmethod
    def for_steps(cls, stall_s: float) -> Self:
        """Return the health of a service each step of which may take `stall_s`, plus as much."""
        return cls(_STALLS * stall_s)

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
        """Return whether the service can work: it reaches broker and database, and has a model."""
        alive, facts = self.alive()
        facts |= {"trouble": self._trouble} | ({"lacks": self._lacks} if self._lacks else {})
        return alive and not self._trouble, facts
