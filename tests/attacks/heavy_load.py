"""Attacks on a dashboard's memory and time, and how long an honest user beside them waits."""

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from contracts.times import utc_now
from moodline.demo.generated_month import write_month
from tests.attacks.dashboard_process import DashboardProcess, dashboard_process
from tests.http_client import ask
from tests.rows import FaceSpec, write_run

HEADER_BYTES = 300_000_000
"""At least so much is sent as headers."""
_HEADER = b"x-filler: " + b"x" * 60_000 + b"\r\n"
_PAGES = 20

HEAVY_PATHS = (
    "/api/trends/csv?from=now-30d",
    "/api/trends/extras?from=now-1y",
    "/api/recordings/run/long/csv",
    "/api/recordings/run/long/summary",
)


@dataclass
class Load:
    """One attack, by many threads. cookie: the attacking user's. enough: when to end."""

    dashboard: DashboardProcess
    cookie: str
    enough: threading.Event = field(default_factory=threading.Event)
    sent: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)


Attack = Callable[[Load], None]


@dataclass(frozen=True, slots=True)
class Beside:
    """The cost of an attack: memory, and the time of an honest user's page.

    calm_s, page_s: 95th percentile of the time before and during the attack, in seconds.
    """

    calm_s: float
    page_s: float
    growth_bytes: int
    load: Load


@contextmanager
def dashboard_with_history(home: Path) -> Iterator[DashboardProcess]:
    """Run a dashboard with a month of rollups, and a run of 20,000 frames and 80,000 faces."""
    with dashboard_process(home) as running:
        write_month(running.engine, utc_now())
        faces = [FaceSpec(track, "happiness") for track in range(4)]
        write_run(running.engine, "long", dict.fromkeys(range(20_000), faces))
        yield running


def beside(dashboard: DashboardProcess, attack: Attack, many: int) -> Beside:
    """Run an attack in many threads, while an honest user opens pages."""
    honest, load = dashboard.cookie("mara"), Load(dashboard, dashboard.cookie("vic"))
    calm_s = _p95([dashboard.page_time_s(honest) for _ in range(_PAGES)])
    before = dashboard.memory
    threads = [threading.Thread(target=attack, args=(load,)) for _ in range(many)]
    for one in threads:
        one.start()
    times_s = []
    try:
        for _ in range(_PAGES):
            times_s.append(dashboard.page_time_s(honest))
            load.enough.wait(0.2)
    finally:
        load.enough.set()
        for one in threads:
            one.join()
    return Beside(calm_s, _p95(times_s), dashboard.memory - before, load)


def _p95(times_s: list[float]) -> float:
    return sorted(times_s)[len(times_s) * 95 // 100 - 1]


def send_headers(load: Load) -> None:
    """Send headers without end, on one connection after the other."""
    address = ("127.0.0.1", load.dashboard.port)
    while not load.enough.is_set() or load.sent.total() < HEADER_BYTES:
        with suppress(OSError), socket.create_connection(address) as one:
            one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            while True:
                one.sendall(_HEADER)
                load.sent[threading.current_thread().name] += len(_HEADER)


def trickle(load: Load) -> None:
    """Send a byte at a time on a hundred connections."""
    with ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", load.dashboard.port)))
            for _ in range(100)
        ]
        while not load.enough.wait(0.2):
            for one in clients:
                with suppress(OSError):
                    one.sendall(b"G")


def hold_events(load: Load) -> None:
    """Hold a stream of events, or ask for one ten times a second."""
    while not load.enough.wait(0.1):
        answer = ask(load.dashboard.address, "/api/now/events", Cookie=load.cookie)
        if not load.enough.is_set():  # Then the places become free.
            load.statuses[answer.status] += 1
        if answer.status == 200:
            load.enough.wait()


def ask_for(path: str) -> Attack:
    """Return the attack that asks for a heavy answer again and again."""

    def attack(load: Load) -> None:
        while not load.enough.is_set():
            answer = ask(load.dashboard.address, path, Cookie=load.cookie)
            answer.read()
            load.statuses[answer.status] += 1
            if answer.status == 429:
                load.enough.wait(0.1)

    return attack
