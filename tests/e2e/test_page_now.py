"""The page Now over a real `moodline up` with an RTSP camera, in a browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.commands import Installation
from tests.e2e.live_stack import LiveStack
from tests.pages import quiet_page
from tests.rtsp import RtspCamera, free_ports

WITHIN_10_S = 10_000


@pytest.fixture
def stack(installation: Installation, tmp_path: Path) -> Iterator[LiveStack]:
    with LiveStack(installation, tmp_path / "up.log", port=free_ports(1)[0]) as one:
        one.wait_for_dashboard()
        yield one


@pytest.fixture
def page(browser: Browser, stack: LiveStack) -> Iterator[Page]:
    with (
        browser.new_context(timezone_id="Europe/Berlin") as viewer,
        quiet_page(viewer, stack.address) as one,
    ):
        yield one


def test_from_the_first_start_to_the_first_chart(page: Page, stack: LiveStack) -> None:
    page.goto(stack.address)
    expect(page.locator("#now-summary")).to_have_text("No live source yet.")
    for way in ("Add a webcam", "Add a camera", "Open recordings"):
        expect(page.get_by_role("link", name=way)).to_be_visible()
    page.get_by_role("button", name="Start the demo").click()
    demo = page.get_by_role("article", name="demo camera")
    expect(demo).to_contain_text("Live")
    expect(demo.locator("img")).to_have_attribute("src", re.compile("^data:image/jpeg"))
    assert page.evaluate("document.querySelector('.tile img').naturalWidth") >= 320
    expect(demo.locator(".reading").first).to_contain_text(re.compile(r"Track \d+\s*\w+\s*\d+ %"))
    expect(page.locator("#now-tools")).to_contain_text("Faces are blurred. No picture is stored.")

    demo.locator(".reading").first.click()
    expect(demo.locator(".seven .bar")).to_have_count(7)
    expect(demo.locator(".bar.strong")).to_have_count(1)
    expect(demo.locator("[aria-expanded=true]")).to_be_focused()

    page.get_by_role("link", name="Trends").click()
    expect(page.locator("figure:visible .main-svg").first).to_be_visible()
    expect(page.locator("#lead")).to_contain_text("demo camera")


def test_a_tile_shows_that_its_camera_is_offline_and_back(
    page: Page, stack: LiveStack, long_clip: Path, tmp_path: Path
) -> None:
    with RtspCamera(long_clip.parent, tmp_path / "rtsp.log") as camera:
        stack.add("door", camera.url(long_clip.name))
        stack.add("yard", "rtsp://127.0.0.1:9/nothing")
        page.goto(f"{stack.address}now")
        door = page.get_by_role("article", name="door")
        expect(door).to_contain_text("Live")
        expect(door.locator(".tile-facts")).to_contain_text(re.compile(r"fps · lag [\d.]+ s"))
        expect(page.locator("#now-summary")).to_contain_text("yard is offline since")
        camera.kill()
        expect(door.locator(".state")).not_to_have_text("Live", timeout=WITHIN_10_S)
        expect(door.locator(".why")).to_contain_text(re.compile(r"since \d\d:\d\d"))
        expect(page.locator("#now-summary")).to_contain_text("2 offline")
        camera.start()
        expect(door.locator(".state")).to_have_text("Live")
        stack.pause("door", paused=True)
        expect(door.locator(".state")).to_have_text("Paused")
        stack.remove("door")
        expect(door).to_have_count(0)
