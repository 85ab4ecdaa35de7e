"""The hub: numbers the events, keeps the latest, and hands them to all clients.

A client that is too slow to read all of them is dropped: nothing is queued for anyone.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import structlog

from api.events.event import Event, EventType, Observation, changes, reading_event, source_event
from api.events.observer import Observer
from contracts.errors import DatabaseError, TooManyViewersError
from records.users.api_tokens import working_tokens

log = structlog.get_logger()

MAX_CLIENTS: Final = 100
_READ_EVERY_S: Final = 0.2
"""At most five readings of a source a second."""
_CHECK_EVERY_S: Final = 1.0
_KEPT: Final = 4096
HEARTBEAT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """The events that a client wants. sources: names it may see and wants; None for all.

    types: empty for all. token: the key of its token; None for a browser.
    """

    sources: Collection[str] | None = None
    types: Collection[EventType] = ()
    token: int | None = None

    def has(self, event: Event) -> bool:
        """Return whether the client gets the event."""
        return (self.sources is None or event.source in self.sources) and (
            not self.types or event.type in self.types
        )


Numbered = tuple[str, Event]
"""An event with its id."""


@dataclass(slots=True)
class EventHub:
    """Reads while there are clients. For one event loop. era: tells the ids of hubs apart."""

    observer: Observer
    era: str = field(default_factory=lambda: secrets.token_hex(4))
    clients: int = 0
    _kept: deque[tuple[int, Event]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _last: int = 0
    _now: Observation = field(default_factory=Observation)
    _tokens: dict[int, int] = field(default_factory=dict)
    _revoked: set[int] = field(default_factory=set)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _has_read: bool = False
    _task: "asyncio.Task[None] | None" = None

    def admit(self) -> None:
        """Raise TooManyViewersError if there are MAX_CLIENTS already."""
        if self.clients >= MAX_CLIENTS:
            raise TooManyViewersError(
                f"{MAX_CLIENTS} programs read the events, which is the limit",
                hint="Close one of them",
            )

    async def follow(
        self, wanted: Wanted, last_id: str
    ) -> AsyncGenerator[Sequence[Numbered], None]:
        """Yield events as they come; an empty list is a heartbeat.

        last_id: of the last event that the client has; "" for a new client, which first gets the
        present state. It ends when the client is too slow, or its token no longer works.
        """
        self._enter(wanted.token)
        try:
            place = await self._place(last_id)
            if place is None:
                place = self._last
                yield self._present(wanted, gap=bool(last_id))
            while not (wanted.token is not None and wanted.token in self._revoked):
                if self._kept and place < self._kept[0][0] - 1:
                    return  # It is too slow.
                found = [
                    (self._id(number), event)
                    for number, event in self._kept
                    if number > place and wanted.has(event)
                ]
                place = self._last
                if found:
                    yield found
                elif not await self._wait(place):
                    yield ()
        finally:
            self._leave(wanted.token)

    def add(self, events: Sequence[Event]) -> None:
        """Number the events and keep them."""
        for event in events:
            self._last += 1
            self._kept.append((self._last, event))

    def _id(self, number: int) -> str:
        return f"{self.era}-{number}"

    async def _place(self, last_id: str) -> int | None:
        """Return the number of an event that is still kept, or of the one before; else None."""
        if not self._has_read:
            await self._wait(self._last)
        era, _, number = last_id.partition("-")
        if era != self.era or not (number.isascii() and number.isdigit() and len(number) < 19):
            return None
        place = int(number)
        first = self._kept[0][0] if self._kept else self._last + 1
        return place if first - 1 <= place <= self._last else None

    def _present(self, wanted: Wanted, *, gap: bool) -> Sequence[Numbered]:
        """Return the present state as events. gap: whether the client missed some before."""
        events = [Event(EventType.GAP, "", {"detail": "events were missed"})] if gap else []
        tiles = self._now.tiles.values()
        events += [one for one in map(source_event, tiles) if wanted.has(one)]
        readings = (reading_event(one) for one in tiles if one.readings is not None)
        events += [one for one in readings if wanted.has(one)]
        return [(self._id(self._last), one) for one in events]

    async def _wait(self, place: int) -> bool:
        """Wait for events after that place. Return False if none came until the heartbeat."""
        async with self._changed:
            if self._last > place:
                return True
            # Not wait_for: the task that it starts may be cancelled without the lock.
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._changed.wait()
                    return True
        return False

    def _enter(self, token: int | None) -> None:
        self.clients += 1
        if token is not None:
            self._tokens[token] = self._tokens.get(token, 0) + 1
            self._revoked.discard(token)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._read_while_followed())

    def _leave(self, token: int | None) -> None:
        self.clients -= 1
        if token is not None:
            self._tokens[token] -= 1
            if not self._tokens[token]:
                del self._tokens[token]

    async def _read_while_followed(self) -> None:
        loop = asyncio.get_running_loop()
        checked_s = loop.time()
        try:
            while self.clients:
                begin_s = loop.time()
                found = await asyncio.to_thread(self.observer.read)
                if self._has_read:
                    self.add(list(changes(self._now, found)))
                self._now, self._has_read = found, True
                if begin_s - checked_s >= _CHECK_EVERY_S:
                    checked_s = begin_s
                    await self._check_tokens()
                async with self._changed:
                    self._changed.notify_all()
                await asyncio.sleep(max(_READ_EVERY_S - (loop.time() - begin_s), 0.01))
        except Exception:  # Nobody awaits this task: without the log its error would be lost.
            log.exception("reading the events failed")
            raise
        finally:
            self._has_read = False
            self._kept.clear()
            self.observer.close()

    async def _check_tokens(self) -> None:
        asked = set(self._tokens)
        if not asked:
            return
        try:
            working = await asyncio.to_thread(working_tokens, self.observer.engine, asked)
        except DatabaseError:
            return
        self._revoked |= asked - working
