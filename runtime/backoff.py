"""Back-off: growing, jittered pauses between retries."""

import random
from typing import Final

LONGEST_PAUSE_S: Final = 8.0
REFUSED_PAUSE_S: Final = 300.0
_FIRST_PAUSE_S: Final = 0.5


class Backoff:
    """Pauses between tries: doubling from half a second, capped, and never two sources at once.

    Full jitter over the upper half, as a network that comes back is met by all its cameras.
    """

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()
        self._pause_s = _FIRST_PAUSE_S

    def next_pause_s(self) -> float:
        """How long to wait before the next try."""
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, LONGEST_PAUSE_S)
        return pause_s * self._chance.uniform(0.5, 1.0)

    def reset(self) -> None:
        """It worked: the next trouble begins with a short pause."""
        self._pause_s = _FIRST_PAUSE_S
