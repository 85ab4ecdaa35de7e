"""Programs that follow the events and read nothing are dropped, and the others miss nothing."""

import asyncio
import itertools
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Engine

from api.events.event import Observation
from api.events.hub import EventHub
from contracts.settings import Settings
from dashboard.web.limits import deadlines
from records.users.api_tokens import add_token
from records.users.roles import TokenScope
from serving.backend import Backend
from serving.live_reader import Tile
from tests.pages import serving

QUICK, STALLED = 45, 5
STALL_S = 15.0
TILES = 4
REASON_BYTES = 4096
MOST_HELD_BYTES = 2**20
"""Bytes that the server may hold of a stream that nobody reads."""


@dataclass
class Changes:
    """An observer each of whose readings differs from the one before in every tile."""

    engine: Engine
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def read(self) -> Observation:
        number = next(self.numbers)
        reason = f"{number} " + "x" * REASON_BYTES
        tiles = [
            Tile(f"camera{at}", "away", reason, None, (), "0", 5.0, None, None, None)
            for at in range(TILES)
        ]
        return Observation({one.name: one for one in tiles})

    def close(self) -> None:
        return


@dataclass
class Watched:
    """The hub of the server, and the most bytes that it held for one connection."""

    hubs: list[EventHub] = field(default_factory=list)
    most_held: int = 0


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    found = Watched()
    check = deadlines.DeadlineProtocol.check

    def watching(self: Any) -> None:
        found.most_held = max(found.most_held, self.transport.get_write_buffer_size())
        check(self)

    def hub(observer: Any) -> EventHub:
        found.hubs.append(EventHub(Changes(observer.engine)))  # type: ignore[arg-type]
        return found.hubs[-1]

    monkeypatch.setattr(deadlines.DeadlineProtocol, "check", watching)
    monkeypatch.setattr(deadlines, "ANSWER_STALL_S", STALL_S)
    monkeypatch.setattr("api.resources.events.EventHub", hub)
    return found


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
"""A writer that nobody holds closes its connection."""


async def opened(address: str, token: str, receive_bytes: int = 0) -> Connection:
    """Begin to follow the events. receive_bytes: the kernel's buffer; 0 for the usual one."""
    host, _, port = address.removeprefix("http://").partition(":")
    connection = socket.socket()
    if receive_bytes:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connection.connect((host, int(port)))
    reader, writer = await asyncio.open_connection(sock=connection)
    names = f"Host: {host}", f"Authorization: Bearer {token}"
    writer.write("\r\n".join(("GET /api/v1/events HTTP/1.1", *names, "", "")).encode())
    assert b" 200 " in await reader.readline()
    return reader, writer


async def count_events(reader: asyncio.StreamReader, numbers: list[int]) -> None:
    """Read the numbers of the events, until cancelled."""
    while line := await reader.readline():
        if line.startswith(b"id: "):
            numbers.append(int(line.rpartition(b"-")[2]))


@pytest.mark.slow
def test_programs_that_read_nothing_are_dropped(
    sqlite_engine: Engine, tmp_path: Any, watched: Watched
) -> None:
    tokens = [
        add_token(sqlite_engine, f"program-{number}", TokenScope.READ, actor="test")
        for number in range(10)
    ]
    seen: list[list[int]] = [[] for _ in range(QUICK)]

    async def follow(address: str) -> None:
        quick = [await opened(address, tokens[number % 10]) for number in range(QUICK)]
        (hub,) = watched.hubs
        tasks = [
            asyncio.create_task(count_events(one, numbers))
            for (one, _), numbers in zip(quick, seen, strict=True)
        ]
        stalled = [await opened(address, tokens[number], 4096) for number in range(STALLED)]
        for _, writer in stalled:
            writer.transport.pause_reading()  # type: ignore[attr-defined]
        while hub.clients < QUICK + STALLED:
            await asyncio.sleep(0.1)
        while hub.clients != QUICK:
            await asyncio.sleep(0.1)
        last = hub._last
        while min(numbers[-1] for numbers in seen) < last:
            await asyncio.sleep(0.1)
        assert not [one for one in tasks if one.done()], "a quick program was dropped"
        for task in tasks:
            task.cancel()
        for _, writer in (*quick, *stalled):
            writer.close()

    async def within_time(address: str) -> None:
        async with asyncio.timeout(240):
            await follow(address)

    with serving(Backend(sqlite_engine, Settings(home=tmp_path)), sign_in=True) as address:
        asyncio.run(within_time(address))

    for numbers in seen:
        assert numbers == sorted(numbers)
        assert set(range(numbers[0], numbers[-1] + 1)) == set(numbers), "an event was missed"
    assert watched.most_held < MOST_HELD_BYTES
