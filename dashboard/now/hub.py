"""One reader for everybody who looks at Now, and the events that it has for them.

A viewer remembers up to which turn it was told. Who is slow misses what came between, never the
newest: nothing is queued for anybody.
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from dashboard.now.reader import Look, Reader
from dashboard.web.page import BusyError

log = structlog.get_logger()

MOST_VIEWERS: Final = 200
_LOOK_S: Final = 0.25
_PICTURE_S: Final = 0.4
"""Of a source that shows 2.5 pictures a second, what a viewer has is then younger than a second."""
_BEAT_S: Final = 5.0
_BEAT: Final = b": still here\n\n"
_STREAM_S: Final = 300.0
"""Then a page asks again, which only who is still signed in may."""
_AGAIN: Final = b"event: again\ndata: 0\n\n"


class TooManyViewersError(BusyError):
    """Raised when nobody else can be served."""


@dataclass(slots=True)
class Hub:
    """Looks four times a second while anybody does.

    Events by (kind, source): the newest of each, and the turn that it came in.
    """

    reader: Reader
    viewers: int = 0
    turn: int = 0
    _events: dict[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)
    _pictured: dict[str, tuple[float, bytes]] = field(default_factory=dict)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _task: "asyncio.Task[None] | None" = None

    async def watch(self) -> AsyncIterator[bytes]:
        """Server-sent events: everything first, then what changes; `admit` before."""
        turn, until_s = -1, time.monotonic() + _STREAM_S
        self.viewers += 1
        try:
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._look_on())
            yield f"event: clock\ndata: {time.time():.3f}\n\n".encode()
            while time.monotonic() < until_s:
                async with self._changed:
                    if self.turn <= turn:
                        # Not wait_for: what it starts may be cancelled without the lock.
                        with suppress(TimeoutError):
                            async with asyncio.timeout(_BEAT_S):
                                await self._changed.wait()
                turn, told = self.turn, self.since(turn)
                yield told or _BEAT
            yield _AGAIN
        finally:
            self.viewers -= 1

    def admit(self) -> None:
        """Raises TooManyViewersError."""
        if self.viewers >= MOST_VIEWERS:
            raise TooManyViewersError(
                f"{MOST_VIEWERS} pages show the live sources already", hint="Close one of them"
            )

    def since(self, turn: int) -> bytes:
        """The newest events of what changed after that turn; the list of tiles comes first."""
        return b"".join(event for at, event in self._events.values() if at > turn)

    def take(self, look: Look, now_s: float) -> bool:
        """Note what is seen, at that monotonic time; whether anything is another than before."""
        turn = self.turn + 1
        self._put(turn, ("all", ""), {"names": list(look.tiles), "trouble": look.trouble})
        for name, tile in look.tiles.items():
            self._put(turn, ("tile", name), tile)
        for name, picture in look.pictures.items():
            at, before = self._pictured.get(name, (-_PICTURE_S, b""))
            if picture != before and now_s - at >= _PICTURE_S:
                self._pictured[name] = now_s, picture
                data = {"name": name, "jpeg": base64.b64encode(picture).decode()}
                self._put(turn, ("picture", name), data)
        for kind, name in list(self._events):
            gone = name and (name not in look.tiles)
            if gone or (kind == "picture" and name not in look.pictures):
                # A picture is kept by nobody longer than the broker keeps it.
                del self._events[kind, name]
                self._pictured.pop(name, None)
        changed = any(at == turn for at, _ in self._events.values())
        self.turn = turn if changed else self.turn
        return changed

    def _put(self, turn: int, key: tuple[str, str], data: dict[str, Any]) -> None:
        event = f"event: {key[0]}\ndata: {json.dumps(data)}\n\n".encode()
        if self._events.get(key, (0, b""))[1] != event:
            self._events[key] = turn, event

    async def _look_on(self) -> None:
        """Until nobody looks any more."""
        try:
            while self.viewers:
                begin = time.monotonic()
                look = await asyncio.to_thread(self.reader.look)
                if self.take(look, begin):
                    async with self._changed:
                        self._changed.notify_all()
                await asyncio.sleep(max(_LOOK_S - (time.monotonic() - begin), 0.01))
        except Exception:  # Whatever it was, it is said before the task that nobody awaits ends.
            log.exception("the reader of the live sources ended")
            raise
        finally:
            self.reader.close()
            self._events.clear()
            self._pictured.clear()
