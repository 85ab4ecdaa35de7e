"""The stall guard: a watchdog that ends a stuck process, so that its parent starts another."""

import faulthandler
import time
from typing import Final

_ARM_EVERY_S: Final = 1.0


class StallGuard:
    """Ends this process, with a traceback, unless `reset` is called every `stall_s` seconds.

    The timer runs in a C thread, so that it also catches a decoder or detector that never
    releases the interpreter lock.
    """

    def __init__(self, stall_s: float) -> None:
        self._stall_s = stall_s
        self._arm_at = 0.0

    def reset(self) -> None:
        """Note progress. Cheap: it sets the timer once per second at most."""
        now = time.monotonic()
        if now >= self._arm_at:
            self._arm_at = now + _ARM_EVERY_S
            faulthandler.dump_traceback_later(self._stall_s + _ARM_EVERY_S, exit=True)

    def disarm(self) -> None:
        """Stop the timer, because no work is in progress."""
        self._arm_at = 0.0
        faulthandler.cancel_dump_traceback_later()
