"""Fair shares: how much of one kind of work the dashboard does at once, in all and for one user."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from contracts.errors import ServerBusyError, TooManyRequestsError

MAX_WAIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of work. at_once: requests that are served at the same time. each: of one user.

    waiting: further requests of one user that may wait for their turn.
    """

    name: str
    at_once: int
    each: int
    waiting: int


LIGHT: Final = Work("requests", at_once=32, each=12, waiting=100)
"""All that is not listed below: fewer than the 40 threads of the server's pool."""
CALLBACK: Final = Work("parts of pages", at_once=6, each=3, waiting=40)
"""Dash callbacks: charts of any range."""
HEAVY: Final = Work("exports and reports", at_once=3, each=1, waiting=2)
"""Answers that take seconds of a processor."""
STREAM: Final = Work("open pages Now", at_once=200, each=10, waiting=0)
"""Event streams, which last for minutes."""
TRANSFER: Final = Work("videos and downloads", at_once=60, each=6, waiting=12)
"""Files, which last as long as the client takes to read them."""
CHECK: Final = Work("checks of sources and recordings", at_once=6, each=2, waiting=10)
"""Processes that open a camera or a recording."""
IMAGE: Final = Work("images", at_once=8, each=2, waiting=4)
"""Images that are received, or read in the one process for it; each takes up to 10 MiB."""
UPLOAD: Final = Work("uploads", at_once=16, each=4, waiting=8)
"""Bodies of megabytes, which are held in memory until they have arrived."""


@dataclass(slots=True)
class _Turn:
    """A request that waits. begin: set when its turn comes."""

    user: str
    begin: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class FairShare:
    """The work of one kind. Of the waiting users, the one with the least work is served next.

    For one event loop: nothing runs between a check and its change.
    """

    work: Work
    _running: Counter[str] = field(default_factory=Counter)
    _queue: list[_Turn] = field(default_factory=list)

    async def begin(self, user: str) -> None:
        """Wait for the user's turn. Call `end` when the work is done.

        Raises TooManyRequestsError if the user has too many already, ServerBusyError if the turn
        does not come within MAX_WAIT_S, or at once where this kind of work does not wait.
        """
        if self._may_run(user):
            self._running[user] += 1
        else:
            await self._wait(user)

    def end(self, user: str) -> None:
        """Give the place to the waiting request of the user with the least work."""
        self._running[user] -= 1
        if not self._running[user]:
            del self._running[user]
        while turn := self._next():
            self._queue.remove(turn)
            self._running[turn.user] += 1
            turn.begin.set()

    def _may_run(self, user: str) -> bool:
        return self._running.total() < self.work.at_once and self._running[user] < self.work.each

    async def _wait(self, user: str) -> None:
        waiting = sum(one.user == user for one in self._queue)
        if self._running[user] + waiting >= self.work.each + self.work.waiting:
            raise TooManyRequestsError(
                f"you have {self._running[user] + waiting} {self.work.name} at once, which is the "
                "limit for one user",
                hint="Wait until one of them has ended",
            )
        if not self.work.waiting:
            raise self._busy()
        turn = _Turn(user)
        self._queue.append(turn)
        try:
            async with asyncio.timeout(MAX_WAIT_S):
                await turn.begin.wait()
        except BaseException as exc:
            if turn.begin.is_set():  # The turn came at the same time.
                self.end(user)
            else:
                self._queue.remove(turn)
            if isinstance(exc, TimeoutError):
                raise self._busy() from exc
            raise

    def _busy(self) -> ServerBusyError:
        return ServerBusyError(
            f"the dashboard serves {self.work.at_once} {self.work.name}, which is its limit",
            hint="Try again later",
        )

    def _next(self) -> _Turn | None:
        """Return the waiting request of the user with the least work; the oldest of equals."""
        may_run = [one for one in self._queue if self._may_run(one.user)]
        return min(may_run, key=lambda one: self._running[one.user], default=None)
