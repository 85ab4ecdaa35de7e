"""No request of a fuzzer over all routes is answered with 5xx or costs memory."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from contracts.settings import Settings
from dashboard.app import create_app
from serving.backend import Backend
from tests.attacks.dashboard_process import DashboardProcess, dashboard_process, failures
from tests.attacks.fuzzer import Fuzzer, send
from tests.dashboard_routes import every_callback, every_route

THREADS = 4
GROWTH_BYTES = 50_000_000
WARM_UP = 500
"""Requests after which caches and pools have their size."""


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardProcess]:
    with dashboard_process(tmp_path_factory.mktemp("fuzz") / "home") as running:
        yield running


def fuzz(dashboard: DashboardProcess, seed: int, count: int) -> Counter[int]:
    """Send requests; return how often each status was the answer. No status may be 5xx."""
    app = create_app(Backend(dashboard.engine, Settings(home=Path(dashboard.log.parent))))
    fuzzer = Fuzzer(seed, every_route(app), every_callback(app), f"localhost:{dashboard.port}")
    found: Counter[int] = Counter()
    cookie = dashboard.cookie("mara")
    for request in fuzzer.requests(count, cookie):
        status, head = send(dashboard.port, request)
        found[status] += 1
        assert status < 500, (seed, request)
        refused_by_http = status in {0, 400}
        assert refused_by_http or b"content-security-policy: default-src 'self'" in head, request
    return found


def test_800_requests_are_answered(dashboard: DashboardProcess) -> None:
    found = fuzz(dashboard, seed=21, count=800)
    assert found[200] > 40 and found[404] > 40 and found[0] < 20, found
    assert not failures(dashboard.log)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_100_000_requests_cost_no_memory(dashboard: DashboardProcess) -> None:
    fuzz(dashboard, seed=1, count=WARM_UP)
    begin, cookie = dashboard.memory, dashboard.cookie("vic")

    def attack(seed: int) -> None:
        for part in range(50):  # Another session each time, as theirs may end.
            fuzz(dashboard, seed=1000 * seed + part, count=100_000 // THREADS // 50)

    times_s = []
    with ThreadPoolExecutor(THREADS) as threads:
        attacks = [threads.submit(attack, seed) for seed in range(1, THREADS + 1)]
        while wait(attacks, timeout=0.5).not_done:
            times_s.append(dashboard.page_time_s(cookie))
        for one in attacks:
            one.result()
    assert not failures(dashboard.log)
    assert dashboard.memory - begin < GROWTH_BYTES
    print(f"a page took {sorted(times_s)[len(times_s) * 95 // 100]:.2f} s (p95)")
