"""A worker that dies is red on every page and in every command, and returns to healthy."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from broker.embedded import EmbeddedBroker
from dashboard.app import PAGES
from moodline.demo.camera import add_camera
from records.database import open_engine
from records.schema import upgrade
from tests.e2e.commands import TIMEOUT_S, Installation, poll
from tests.http_client import ask
from tests.pages import patient_page
from tests.rtsp import free_ports

pytestmark = pytest.mark.timeout(600)

SHOWN_S = 15.0


@dataclass
class Services:
    """ingest, scheduler and dashboard with a looped clip as camera; the worker comes and goes."""

    installation: Installation
    address: str
    worker: "subprocess.Popen[str] | None" = None

    def start_worker(self) -> None:
        self.worker = self.installation.start("worker")

    def kill_worker(self) -> None:
        assert self.worker is not None
        os.killpg(self.worker.pid, signal.SIGKILL)
        self.worker.communicate(timeout=TIMEOUT_S)

    def level(self) -> str:
        answer = ask(self.address, "/api/health")
        return str(json.loads(answer.read())["level"]) if answer.status == 200 else ""


@pytest.fixture(scope="module")
def services(
    tmp_path_factory: pytest.TempPathFactory, three_faces: Path, request: pytest.FixtureRequest
) -> Iterator[Services]:
    """param: MOODLINE_LEASE_S; without one it is shorter than the default.

    They take long to start, so that each test leaves them as they were.
    """
    (port,) = free_ports(1)
    home = tmp_path_factory.mktemp("home")
    with EmbeddedBroker() as broker, ExitStack() as stack:
        installation = Installation(
            home,
            {
                "MOODLINE_REDIS_URL": broker.url,
                "MOODLINE_DATABASE_URL": f"sqlite:///{home / 'moodline.db'}",
                "MOODLINE_LEASE_S": getattr(request, "param", "5"),
            },
        )
        engine = open_engine(f"sqlite:///{home / 'moodline.db'}")
        upgrade(engine)
        add_camera(engine, three_faces)
        engine.dispose()
        commands = (("ingest",), ("scheduler",), ("dashboard", "--port", str(port), "--no-sign-in"))
        for words in commands:
            stack.callback(stop, installation.start(*words))
        found = Services(installation, f"http://127.0.0.1:{port}")
        found.start_worker()
        poll(lambda: is_up(found))
        yield found
        assert found.worker is not None
        stop(found.worker)


def is_up(services: Services) -> bool:
    try:
        return services.level() == "healthy"
    except OSError:
        return False


def stop(process: "subprocess.Popen[str]") -> None:
    """Stop a service, which must end in order and without a traceback."""
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, log
    assert "Traceback" not in log


def test_a_dead_worker_is_red_everywhere_and_a_new_one_takes_it_away(
    services: Services, browser: Browser
) -> None:
    banner, installation = "#health", services.installation
    with browser.new_context() as viewer, patient_page(viewer) as page:
        page.goto(f"{services.address}/now")
        expect(page.locator(".tile .state-good")).to_have_text("Live")
        expect(page.locator(banner)).to_be_hidden()
        poll(lambda: installation.run("status").returncode == 0)

        services.kill_worker()
        expect(page.locator(banner)).to_contain_text("No worker is running")
        expect(page.locator(".tile .state-bad")).to_have_text("Not analysed")
        expect(page.locator("#now-summary")).to_have_text("1 source: 1 not analysed.")
        expect(page).to_have_title(re.compile("^Down · Now"))
        assert "e03131" in (page.locator("link[rel=icon]").get_attribute("href") or "")
        for one in PAGES:
            page.goto(f"{services.address}/{one.path}")
            expect(page.locator(banner)).to_contain_text("moodline worker")
        assert_commands_say_down(services)

        services.start_worker()
        expect(page.locator(banner)).to_be_hidden()
        expect(page).to_have_title(re.compile(f"^{PAGES[-1].name}"))
    poll(lambda: installation.run("status").returncode == 0)
    poll(lambda: ask(services.address, "/readyz").status == 200)


@pytest.mark.slow
@pytest.mark.parametrize("services", ["10"], indirect=True, ids=["default lease"])
def test_a_dead_worker_shows_in_time_on_every_page(services: Services, browser: Browser) -> None:
    """On a machine that does nothing else. Each page is open in a tab of its own."""
    with browser.new_context() as viewer, ExitStack() as tabs:
        pages = [tabs.enter_context(patient_page(viewer)) for _ in PAGES]
        for page, opened in zip(pages, PAGES, strict=True):
            page.goto(f"{services.address}/{opened.path}")
            expect(page.locator("#health")).to_be_hidden()
        services.kill_worker()
        assert seconds_until(pages, shown=True) < SHOWN_S
        services.start_worker()
        poll(lambda: services.level() == "healthy")
        assert seconds_until(pages, shown=False) < SHOWN_S


def seconds_until(pages: list[Page], *, shown: bool) -> float:
    """Wait until each page shows the banner, or none does; return how long it took."""
    begin_s = time.monotonic()
    for page in pages:
        banner = page.locator("#health")
        expect(banner).to_be_visible() if shown else expect(banner).to_be_hidden()
    return time.monotonic() - begin_s


def assert_commands_say_down(services: Services) -> None:
    status = services.installation.run("status")
    assert status.returncode == 2
    assert "No worker is running" in status.stdout and "gone" in status.stdout
    document = json.loads(services.installation.run("status", "--json").stdout)
    assert document["health"]["level"] == "down"
    assert [one["service"] for one in document["gone"]] == ["worker"]
    (source,) = document["sources"]
    assert source["state"] == "unanalyzed"
    doctor = services.installation.run("doctor", "--json")
    assert doctor.returncode == 2
    assert json.loads(doctor.stdout)["health"]["problems"][0]["kind"] == "no-worker"
    ready = ask(services.address, "/readyz")
    assert ready.status == 503
    assert json.loads(ready.read()) == {"ok": False, "health": "down", "problems": ["no-worker"]}


def test_a_banner_of_a_degraded_system_can_be_hidden(services: Services, browser: Browser) -> None:
    """Until another problem comes."""
    installation = services.installation
    with browser.new_context() as viewer, patient_page(viewer) as page:
        page.goto(f"{services.address}/sources")
        installation.run("source", "add", "away", "rtsp://127.0.0.1:9/x")
        show = page.locator("#health")
        expect(show).to_contain_text("away is offline")
        show.get_by_role("button", name="Hide").click()
        expect(show).to_be_hidden()
        expect(page).to_have_title(re.compile("^Degraded"))
        installation.run("source", "add", "gone", "rtsp://127.0.0.1:9/y")
        expect(show).to_contain_text("gone is offline")
        expect_page_is_whole(page)
        for name in ("away", "gone"):
            assert installation.run("source", "remove", name).returncode == 0
        expect(show).to_be_hidden()


def expect_page_is_whole(page: Page) -> None:
    """The banner takes no width that the page does not have."""
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
