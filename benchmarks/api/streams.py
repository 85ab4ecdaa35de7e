"""Fifty programs that follow the events, of which some read nothing: how late the others are."""

import asyncio
import json
import os
import socket
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import psutil

from benchmarks.api.clients import cpu_time
from benchmarks.dashboard.now import publish_views

CLIENTS: Final = 50
STALLED: Final = 5
SECONDS: Final = float(os.environ.get("BENCH_EVENTS_S", "60"))
_WARM_UP_S: Final = 5.0
_RECEIVE_BUFFER: Final = 4096


@dataclass(frozen=True, slots=True)
class StreamTimes:
    """p95_age_s: age of the readings that clients got. gaps: events that a quick client missed.

    slowest, quickest: events of the quick clients that got the fewest and the most. dropped: the
    stalled clients that were disconnected. memory_mb: change of the server's memory since before
    the stalled ones came; the quick ones were there. cores: load.
    """

    p95_age_s: float
    quickest: int
    slowest: int
    gaps: int
    dropped: int
    memory_mb: float
    cores: float


@dataclass(slots=True)
class Follower:
    """A client. ages: of readings, in seconds."""

    events: int = 0
    gaps: int = 0
    ages: list[float] = field(default_factory=list)
    is_closed: bool = False
    _last: int = 0

    def receive(self, fields: dict[str, str], *, is_warm: bool) -> None:
        """Take an event."""
        number = int(fields["id"].rpartition("-")[2])
        if self._last and number > self._last + 1:
            self.gaps += number - self._last - 1
        self._last = number
        if not is_warm:
            return
        self.events += 1
        captured_at = json.loads(fields["data"]).get("captured_at")
        if fields.get("event") == "reading" and captured_at:
            self.ages.append(time.time() - datetime.fromisoformat(captured_at).timestamp())


def measure_streams(
    address: str, tokens: Sequence[str], broker: str, key: bytes, server: psutil.Process
) -> StreamTimes:
    """Publish views as workers do, and follow the events. tokens: of several programs."""
    stop = threading.Event()
    publisher = threading.Thread(target=publish_views, args=(broker, key, stop), daemon=True)
    publisher.start()
    host, _, port = address.removeprefix("http://").partition(":")
    begin_s = time.monotonic()
    with cpu_time(server) as cpu_s:
        quick, stalled, before = asyncio.run(_follow_all(host, int(port), tokens, server))
    taken_s = time.monotonic() - begin_s
    stop.set()
    publisher.join()
    ages = [age for one in quick for age in one.ages]
    return StreamTimes(
        p95_age_s=round(statistics.quantiles(ages, n=20)[-1], 3),
        quickest=max(one.events for one in quick),
        slowest=min(one.events for one in quick),
        gaps=sum(one.gaps for one in quick),
        dropped=sum(one.is_closed for one in stalled),
        memory_mb=round((server.memory_info().rss - before) / 2**20, 1),
        cores=round(cpu_s[0] / taken_s, 3),
    )


async def _follow_all(
    host: str, port: int, tokens: Sequence[str], server: psutil.Process
) -> tuple[list[Follower], list[Follower], int]:
    """Return the clients, and the server's memory in bytes before the stalled ones came."""
    quick = [Follower() for _ in range(CLIENTS - STALLED)]
    stalled = [Follower() for _ in range(STALLED)]
    async with asyncio.TaskGroup() as group:
        for number, one in enumerate(quick):
            token = tokens[number % len(tokens)]
            group.create_task(_follow(one, host, port, token, reads=True))
        await asyncio.sleep(_WARM_UP_S)
        before = server.memory_info().rss
        for number, one in enumerate(stalled):
            token = tokens[number % len(tokens)]
            group.create_task(_follow(one, host, port, token, reads=False))
    return quick, stalled, before


async def _follow(one: Follower, host: str, port: int, token: str, *, reads: bool) -> None:
    connection = socket.create_connection((host, port))
    if not reads:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    reader, writer = await asyncio.open_connection(sock=connection, limit=2**20)
    names = f"Host: {host}", f"Authorization: Bearer {token}"
    head = "GET /api/v1/events HTTP/1.1", *names, "", ""
    writer.write("\r\n".join(head).encode())
    begin_s = time.monotonic()
    try:
        if reads:
            async with asyncio.timeout(_WARM_UP_S + SECONDS):
                await _read(one, reader, begin_s)
        else:
            await asyncio.sleep(SECONDS)
            async with asyncio.timeout(5):
                while await reader.read(2**16):
                    pass
            one.is_closed = True
    except TimeoutError:
        pass
    except OSError:
        one.is_closed = True
    finally:
        writer.close()


async def _read(one: Follower, reader: asyncio.StreamReader, begin_s: float) -> None:
    fields: dict[str, str] = {}
    while line := await reader.readline():
        name, _, value = line.decode().rstrip("\r\n").partition(": ")
        if name in {"id", "event", "data"}:
            fields[name] = value
        elif not name and "id" in fields:
            one.receive(fields, is_warm=time.monotonic() - begin_s > _WARM_UP_S)
            fields = {}
