"""FreshAnswer: an answer that is read when somebody asks, at most once in a while."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Final, Generic, TypeVar

from contracts.errors import MoodlineError

_FRESH_S: Final = 2.0
_WAIT_S: Final = 2.0
"""A probe waits no longer: a server that is away can take longer to say so."""
_KNOWN_S: Final = 30.0

Answer = TypeVar("Answer")


class FreshAnswer(Generic[Answer]):
    """Reads in a thread of its own. Threads may share it.

    read: blocks; a MoodlineError that it raises is as no answer. clock: in seconds.
    """

    def __init__(
        self, read: Callable[[], Answer], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._reading: Future[None] | None = None
        self._known: tuple[float, Answer] | None = None

    def look(self) -> Answer | None:
        """Return the answer, at most half a minute old, or None. Blocks for 2 s at most."""
        reading = self._start()
        if reading is not None:
            with suppress(TimeoutError):  # What is known stays valid for a while.
                reading.result(_WAIT_S)
        known = self._known
        return None if known is None or self._clock() - known[0] > _KNOWN_S else known[1]

    def _start(self) -> "Future[None] | None":
        """Start to read, unless what is known is fresh; return the reading that is under way."""
        with self._lock:
            if self._reading is not None and not self._reading.done():
                return self._reading
            if self._known is not None and self._clock() - self._known[0] < _FRESH_S:
                return None
            reading: Future[None] = Future()
            self._reading = reading
        threading.Thread(target=self._run, args=[reading], name="fresh", daemon=True).start()
        return reading

    def _run(self, reading: "Future[None]") -> None:
        try:
            with suppress(MoodlineError):
                self._known = self._clock(), self._read()
        finally:
            reading.set_result(None)
