"""ReconnectPauses: how long to wait before a live source is opened again."""

from collections.abc import Callable
from typing import Final

from contracts.errors import DecodingLimitError, SourceError
from runtime.backoff import LONGEST_PAUSE_S, REFUSED_PAUSE_S, Backoff

_FORGET_AFTER_S: Final = 2 * REFUSED_PAUSE_S


class ReconnectPauses:
    """The pauses between the attempts to read one source.

    After an outage they grow up to LONGEST_PAUSE_S, and begin again with the first frame. A source
    that exceeds a limit may cost a lot each time: its pauses grow up to REFUSED_PAUSE_S, and begin
    again only after ten minutes in which it exceeded none. clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._outages = Backoff()
        self._refusals = Backoff(first_s=LONGEST_PAUSE_S, longest_s=REFUSED_PAUSE_S)
        self._refused_s = clock()

    def next_s(self, cause: SourceError | None) -> float:
        """Return the pause, in seconds. cause: why reading ended; None: the source ended it."""
        if not isinstance(cause, DecodingLimitError):
            return self._outages.next_pause_s()
        now_s = self._clock()
        if now_s - self._refused_s > _FORGET_AFTER_S:
            self._refusals.reset()
        self._refused_s = now_s
        return self._refusals.next_pause_s()

    def note_frame(self) -> None:
        """Note the first frame of a connection."""
        self._outages.reset()
