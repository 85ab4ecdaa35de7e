"""Back-off and retry: growing, jittered pauses, and attempts that repeat until one succeeds."""

import random
from collections.abc import Callable
from typing import Final, TypeVar

from contracts.errors import MoodlineError
from runtime.stop_signal import StopSignal

LONGEST_PAUSE_S: Final = 8.0
REFUSED_PAUSE_S: Final = 300.0
"""Pause after a server refused the credentials: more attempts could lock the account."""
_FIRST_PAUSE_S: Final = 0.5
_RETRY_S: Final = 1.0

Result = TypeVar("Result")


class Backoff:
    """Pauses between attempts: they double from `first_s` up to `longest_s`.

    jitter: choose each pause between half and all of that, so that the cameras of a network that
    comes back do not reconnect at the same moment.
    """

    def __init__(
        self,
        chance: random.Random | None = None,
        *,
        jitter: bool = True,
        first_s: float = _FIRST_PAUSE_S,
        longest_s: float = LONGEST_PAUSE_S,
    ) -> None:
        self._chance = chance or random.Random()
        self._jitter = jitter
        self._first_s = self._pause_s = first_s
        self._longest_s = longest_s

    def next_pause_s(self) -> float:
        """Return the pause before the next attempt, in seconds."""
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, self._longest_s)
        return pause_s * self._chance.uniform(0.5, 1.0) if self._jitter else pause_s

    def reset(self) -> None:
        """Start again from the shortest pause, because an attempt succeeded."""
        self._pause_s = self._first_s


def retry_until_stopped(
    attempt: Callable[[], Result],
    on: type[MoodlineError],
    stop: StopSignal,
    *,
    action: str,
    pause_s: float = _RETRY_S,
) -> Result:
    """Call `attempt` every `pause_s` until it raises no `on`, and return its result.

    action: what the attempt does, for the log. Raises the last `on` when a stop signal came first.
    """
    while True:
        try:
            return attempt()
        except on as exc:
            if stop.is_set():
                raise
            import structlog  # Slow to import, for commands that log nothing.

            structlog.get_logger().warning(
                f"cannot {action}", reason=exc.line(), retry_in_s=pause_s
            )
            stop.wait(pause_s)
