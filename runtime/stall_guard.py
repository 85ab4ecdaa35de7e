"""A process that is stuck ends itself, with a traceback of where: its parent starts another."""

import faulthandler
import time
from typing import Final

_ARM_EVERY_S: Final = 1.0


class StallGuard:
    """Ends this process when `turn` is not called for `stall_s`.

    The timer runs in a thread of C, so that a decoder or detector that never gives the
    interpreter back is caught too.
    """

    def __init__(self, stall_s: float) -> None:
        self._stall_s = stall_s
        self._arm_at = 0.0

    def turn(self) -> None:
        """Say that work goes on. Cheap: the timer is set anew once a second."""
        now = time.monotonic()
        if now >= self._arm_at:
            self._arm_at = now + _ARM_EVERY_S
            faulthandler.dump_traceback_later(self._stall_s + _ARM_EVERY_S, exit=True)

    def rest(self) -> None:
        """Stop watching: nothing is being worked on."""
        self._arm_at = 0.0
        faulthandler.cancel_dump_traceback_later()
