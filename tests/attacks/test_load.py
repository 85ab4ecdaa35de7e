"""One attacker takes neither the memory of the dashboard nor its answers from others.

How long an honest user waits meanwhile is measured by `python -m benchmarks attacks`.
"""

from collections.abc import Iterator

import pytest

from tests.attacks.dashboard_process import DashboardProcess
from tests.attacks.heavy_load import (
    HEADER_BYTES,
    HEAVY_PATHS,
    Attack,
    Load,
    ask_for,
    beside,
    dashboard_with_history,
    hold_events,
    send_headers,
    trickle,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

GROWTH_BYTES = 100_000_000


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardProcess]:
    with dashboard_with_history(tmp_path_factory.mktemp("load") / "home") as running:
        yield running


def attacked(dashboard: DashboardProcess, attack: Attack, many: int) -> Load:
    """Attack while another user is served; return what the attack got."""
    found = beside(dashboard, attack, many)
    print(
        f"a page takes {found.calm_s:.2f} s before the attack and {found.page_s:.2f} s beside it "
        f"(p95); {found.growth_bytes / 1e6:.0f} MB more"
    )
    assert found.growth_bytes < GROWTH_BYTES
    return found.load


def test_300_mb_of_headers(dashboard: DashboardProcess) -> None:
    assert attacked(dashboard, send_headers, 8).sent.total() >= HEADER_BYTES


def test_1500_trickling_connections(dashboard: DashboardProcess) -> None:
    attacked(dashboard, trickle, 15)


def test_200_event_streams_of_one_user(dashboard: DashboardProcess) -> None:
    statuses = attacked(dashboard, hold_events, 200).statuses
    assert statuses[200] <= 20 and statuses[429] >= 180, statuses


@pytest.mark.parametrize("path", HEAVY_PATHS)
def test_45_answers_at_once_for_one_user(dashboard: DashboardProcess, path: str) -> None:
    statuses = attacked(dashboard, ask_for(path), 45).statuses
    assert set(statuses) <= {200, 429} and statuses[200], statuses
