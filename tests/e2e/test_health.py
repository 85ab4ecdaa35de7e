"""A worker that dies is red on every page and in every command, and returns to healthy.

How soon, `python -m benchmarks walks` measures.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.app import PAGES
from tests.e2e.commands import poll
from tests.e2e.health_site import Services, running_services
from tests.http_client import ask
from tests.pages import patient_page

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, three_faces: Path) -> Iterator[Services]:
    """With a shorter lease than the default."""
    with running_services(tmp_path_factory.mktemp("home"), three_faces, lease_s=5) as found:
        yield found


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
