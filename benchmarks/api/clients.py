"""Clients of the API that cost the machine little, and the CPU time of its server."""

import http.client
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

import psutil

_TIMEOUT_S: Final = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and how long it took in milliseconds."""

    status: int
    body: bytes
    etag: str
    ms: float


@dataclass(slots=True)
class Client:
    """A program with a token, on one connection that it keeps. address: of the dashboard."""

    address: str
    token: str
    _connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        place = self.address.removeprefix("http://")
        self._connection = http.client.HTTPConnection(place, timeout=_TIMEOUT_S)

    def ask(
        self, path: str, arguments: Mapping[str, object] | None = None, *, etag: str = ""
    ) -> Answer:
        """Send a GET below /api/v1. Raises ConnectionError and the others of http.client."""
        query = f"?{urlencode(arguments, doseq=True)}" if arguments else ""
        headers = {"Authorization": f"Bearer {self.token}"}
        if etag:
            headers["If-None-Match"] = etag
        begin = time.perf_counter()
        self._connection.request("GET", f"/api/v1{path}{query}", headers=headers)
        found = self._connection.getresponse()
        body = found.read()
        ms = (time.perf_counter() - begin) * 1000
        return Answer(found.status, body, found.headers.get("etag", ""), ms)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Times:
    """Times of several requests. cpu_ms: CPU time of the server for each, on average."""

    p50_ms: float
    p95_ms: float
    cpu_ms: float
    kilobytes: float

    @classmethod
    def of(cls, answers: list[Answer], cpu_s: float) -> "Times":
        """Return the times of these answers, for which the server took so much CPU time."""
        ms = sorted(one.ms for one in answers)
        size = statistics.mean(len(one.body) for one in answers) / 1000
        p95 = ms[min(int(len(ms) * 0.95), len(ms) - 1)]
        cpu_ms = cpu_s * 1000 / len(answers)
        return cls(round(statistics.median(ms), 1), round(p95, 1), round(cpu_ms, 2), round(size, 1))


@contextmanager
def cpu_time(server: psutil.Process) -> Iterator[list[float]]:
    """Yield a list that gets the CPU seconds that the server takes in the block."""
    found: list[float] = []
    before = server.cpu_times()
    yield found
    after = server.cpu_times()
    found.append(after.user + after.system - before.user - before.system)
