"""Many requests: answers that a client has already, and the memory of the server over 20,000."""

import threading
import time
from dataclasses import dataclass
from typing import Final

import psutil

from benchmarks.api.clients import Client, cpu_time
from benchmarks.api.reads import span

VALIDATIONS: Final = 4000
REQUESTS: Final = 20_000
_CONNECTIONS: Final = 4
_SETTLE: Final = 4000
"""Requests after which memory is measured first: until then, caches and pools fill."""
_KINDS: Final = 40
"""Different timelines that are asked for in turns."""


@dataclass(frozen=True, slots=True)
class Validations:
    """Requests with a validator: a second, as many as four clients sent; CPU time of each, ms."""

    a_second: float
    cpu_ms: float
    unmodified: int
    sent: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of the server in MB after the first requests, and its change over the others."""

    settled_mb: float
    change_mb: float
    requests: int


def measure_validations(address: str, token: str, server: psutil.Process) -> Validations:
    """Ask for one timeline again and again, with its ETag."""
    first = Client(address, token)
    asked = span(7, 0)
    etag = first.ask("/timeline", asked).etag
    statuses: list[int] = []

    def ask() -> None:
        client = Client(address, token)
        statuses.extend(
            client.ask("/timeline", asked, etag=etag).status
            for _ in range(VALIDATIONS // _CONNECTIONS)
        )
        client.close()

    begin_s = time.monotonic()
    with cpu_time(server) as cpu_s:
        threads = [threading.Thread(target=ask) for _ in range(_CONNECTIONS)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    taken_s = time.monotonic() - begin_s
    return Validations(
        a_second=round(len(statuses) / taken_s, 1),
        cpu_ms=round(cpu_s[0] * 1000 / len(statuses), 3),
        unmodified=statuses.count(304),
        sent=len(statuses),
    )


def measure_memory(client: Client, server: psutil.Process) -> Memory:
    """Send many requests: computed and kept answers, rows, lists and refusals, in turns."""
    settled = 0
    etag = client.ask("/timeline", span(7, 0)).etag
    for number in range(REQUESTS):
        if number == _SETTLE:
            settled = server.memory_info().rss
        _ask_something(client, number, etag)
    change = server.memory_info().rss - settled
    return Memory(round(settled / 2**20, 1), round(change / 2**20, 1), REQUESTS)


def _ask_something(client: Client, number: int, etag: str) -> None:
    kind = number % 20
    if kind == 0:
        client.ask("/timeline", span(7, number // 20 % _KINDS))
    elif kind == 1:
        client.ask("/runs", {"limit": 10})
    elif kind == 2:
        client.ask("/runs/bench-2/faces", {"limit": 50, "media_time_from": number % 1000})
    elif kind == 3:
        client.ask("/nothing")
    elif kind == 4:
        client.ask("/timeline", {"unknown": number})
    elif kind < 14:
        client.ask("/timeline", span(7, 0), etag=etag)
    else:
        client.ask("/sources", {"limit": 1})
