"""One attacker takes neither the memory of the dashboard nor its time for others."""

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from contracts.times import utc_now
from moodline.demo.generated_month import write_month
from tests.attacks.dashboard_process import DashboardProcess, dashboard_process
from tests.http_client import ask
from tests.rows import FaceSpec, write_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

GROWTH_BYTES = 100_000_000
HEADER = b"x-filler: " + b"x" * 60_000 + b"\r\n"


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardProcess]:
    with dashboard_process(tmp_path_factory.mktemp("load") / "home") as running:
        write_month(running.engine, utc_now())
        faces = [FaceSpec(track, "happiness") for track in range(4)]
        write_run(running.engine, "long", dict.fromkeys(range(20_000), faces))
        yield running


def beside(
    dashboard: DashboardProcess, attack: Callable[[threading.Event], None], many: int
) -> float:
    """Run an attack in many threads. Return the 95th percentile of an honest user's page, s."""
    cookie = dashboard.cookie("mara")
    dashboard.page_time_s(cookie)
    begin, enough = dashboard.memory, threading.Event()
    threads = [threading.Thread(target=attack, args=(enough,)) for _ in range(many)]
    for one in threads:
        one.start()
    times_s = []
    try:
        for _ in range(20):
            times_s.append(dashboard.page_time_s(cookie))
            enough.wait(0.2)
    finally:
        enough.set()
        for one in threads:
            one.join()
    assert dashboard.memory - begin < GROWTH_BYTES
    return sorted(times_s)[len(times_s) * 95 // 100 - 1]


def test_300_mb_of_headers(dashboard: DashboardProcess) -> None:
    sent: Counter[str] = Counter()

    def attack(enough: threading.Event) -> None:
        while not enough.is_set() or sent.total() < 300_000_000:
            with suppress(OSError), socket.create_connection(("127.0.0.1", dashboard.port)) as one:
                one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
                while True:
                    one.sendall(HEADER)
                    sent[threading.current_thread().name] += len(HEADER)

    assert beside(dashboard, attack, 8) < 1.0
    assert sent.total() >= 300_000_000


def test_1500_trickling_connections(dashboard: DashboardProcess) -> None:
    def attack(enough: threading.Event) -> None:
        with ExitStack() as stack:
            clients = []
            for _ in range(100):
                client = socket.create_connection(("127.0.0.1", dashboard.port))
                clients.append(stack.enter_context(client))
            while not enough.wait(0.2):
                for one in clients:
                    with suppress(OSError):
                        one.sendall(b"G")

    assert beside(dashboard, attack, 15) < 1.0


def test_200_event_streams_of_one_user(dashboard: DashboardProcess) -> None:
    cookie, statuses = dashboard.cookie("vic"), Counter[int]()

    def attack(enough: threading.Event) -> None:
        while not enough.wait(0.1):
            answer = ask(dashboard.address, "/api/now/events", Cookie=cookie)
            if not enough.is_set():  # Then the places become free.
                statuses[answer.status] += 1
            if answer.status == 200:
                enough.wait()

    assert beside(dashboard, attack, 200) < 1.0
    assert statuses[200] <= 20 and statuses[429] >= 180, statuses


@pytest.mark.parametrize(
    "path",
    [
        "/api/trends/csv?from=now-30d",
        "/api/trends/extras?from=now-1y",
        "/api/recordings/run/long/csv",
        "/api/recordings/run/long/summary",
    ],
)
def test_45_answers_at_once_for_one_user(dashboard: DashboardProcess, path: str) -> None:
    cookie, statuses = dashboard.cookie("vic"), Counter[int]()

    def attack(enough: threading.Event) -> None:
        while not enough.is_set():
            answer = ask(dashboard.address, path, Cookie=cookie)
            answer.read()
            statuses[answer.status] += 1
            if answer.status == 429:
                enough.wait(0.1)

    assert beside(dashboard, attack, 45) < 1.0
    assert set(statuses) <= {200, 429} and statuses[200], statuses
