"""The hub: one reader of the live sources for all viewers, and the events that it sends them.

Each viewer remembers the version that it has. A slow viewer skips older versions and gets the
newest: nothing is queued for anyone.
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import structlog

from contracts.errors import TooManyViewersError
from dashboard.web.json_values import json_values
from serving.live_reader import LiveReader, LiveSnapshot

log = structlog.get_logger()

MAX_VIEWERS: Final = 200
_READ_EVERY_S: Final = 0.25
_PICTURE_EVERY_S: Final = 0.4
"""For a source with 2.5 pictures/s, a viewer's picture is then younger than a second."""
_KEEPALIVE_EVERY_S: Final = 5.0
_KEEPALIVE: Final = b": still here\n\n"
_STREAM_S: Final = 300.0
"""Then the page must reconnect, which only a viewer who is still signed in can do."""
_RECONNECT: Final = b"event: again\ndata: 0\n\n"


@dataclass(slots=True)
class Hub:
    """Reads the live sources four times a second while there are viewers.

    _events: by kind and source, the newest event and the version that it came with. _pictures: by
    source, when the newest was sent, when it was captured, and its JPEG.
    """

    reader: LiveReader
    viewers: int = 0
    version: int = 0
    _events: dict[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)
    _pictures: dict[str, tuple[float, tuple[float | None, bytes]]] = field(default_factory=dict)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _task: "asyncio.Task[None] | None" = None

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield server-sent events: first everything, then the changes. Call `admit` before."""
        version, ends_at_s = -1, time.monotonic() + _STREAM_S
        self.viewers += 1
        try:
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._read_while_viewed())
            yield f"event: clock\ndata: {time.time():.3f}\n\n".encode()
            while time.monotonic() < ends_at_s:
                async with self._changed:
                    if self.version <= version:
                        # Not wait_for: the task that it starts may be cancelled without the lock.
                        with suppress(TimeoutError):
                            async with asyncio.timeout(_KEEPALIVE_EVERY_S):
                                await self._changed.wait()
                version, events = self.version, self.events_since(version)
                yield events or _KEEPALIVE
            yield _RECONNECT
        finally:
            self.viewers -= 1

    def admit(self) -> None:
        """Raise TooManyViewersError if there are MAX_VIEWERS already."""
        if self.viewers >= MAX_VIEWERS:
            raise TooManyViewersError(
                f"Now is open on {MAX_VIEWERS} pages, which is the limit", hint="Close one of them"
            )

    def events_since(self, version: int) -> bytes:
        """Return the newest events after that version; the list of tiles comes first."""
        return b"".join(event for at, event in self._events.values() if at > version)

    def update(self, snapshot: LiveSnapshot, now_s: float) -> bool:
        """Take a snapshot, read at that monotonic time. Return whether anything changed."""
        version = self.version + 1
        overview = {"names": list(snapshot.tiles), "trouble": snapshot.error}
        self._set(version, ("all", ""), overview)
        for name, tile in snapshot.tiles.items():
            self._set(version, ("tile", name), tile)
        for name, picture in snapshot.pictures.items():
            # A later picture may equal the one before, which a page has hidden since, for a mask.
            taken = snapshot.tiles[name].captured_at, picture
            at_s, previous = self._pictures.get(name, (-_PICTURE_EVERY_S, None))
            if taken != previous and now_s - at_s >= _PICTURE_EVERY_S:
                self._pictures[name] = now_s, taken
                data = {"name": name, "jpeg": base64.b64encode(picture).decode()}
                self._set(version, ("picture", name), data, again=True)
        self._forget_missing(snapshot)
        changed = any(at == version for at, _ in self._events.values())
        self.version = version if changed else self.version
        return changed

    def _forget_missing(self, snapshot: LiveSnapshot) -> None:
        """Drop the events of removed sources, and pictures that the broker no longer has."""
        for kind, name in list(self._events):
            gone = name and (name not in snapshot.tiles)
            if gone or (kind == "picture" and name not in snapshot.pictures):
                del self._events[kind, name]
                self._pictures.pop(name, None)

    def _set(
        self, version: int, key: tuple[str, str], data: object, *, again: bool = False
    ) -> None:
        event = f"event: {key[0]}\ndata: {json.dumps(json_values(data))}\n\n".encode()
        if again or self._events.get(key, (0, b""))[1] != event:
            self._events[key] = version, event

    async def _read_while_viewed(self) -> None:
        try:
            while self.viewers:
                begin_s = time.monotonic()
                snapshot = await asyncio.to_thread(self.reader.read)
                if self.update(snapshot, begin_s):
                    async with self._changed:
                        self._changed.notify_all()
                await asyncio.sleep(max(_READ_EVERY_S - (time.monotonic() - begin_s), 0.01))
        except Exception:  # Nobody awaits this task: without the log its error would be lost.
            log.exception("reading the live sources failed")
            raise
        finally:
            self.reader.close()
            self._events.clear()
            self._pictures.clear()
