"""The page Wall: tiles that fill any screen, and a page that looks after itself for days."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect
from sqlalchemy import Engine

from contracts.settings import Settings
from records.database import open_engine
from records.schema import upgrade
from records.sources.live_sources import SourceSettings, add_source
from serving.backend import Backend
from tests.pages import patient_page, quiet_page, serving

MANY = 30


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Thirty cameras, two of them with a tag."""
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('wall') / 'records.db'}")
    upgrade(engine)
    for number in range(1, MANY + 1):
        tags = ("lobby",) if number in {2, 10} else ()
        uri = f"rtsp://camera-{number}/"
        add_source(engine, f"camera {number}", SourceSettings(uri, "", None, None, None, tags=tags))
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def address(engine: Engine) -> Iterator[str]:
    with serving(Backend(engine, Settings())) as one:
        yield one


@pytest.fixture(scope="module")
def viewer(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(timezone_id="Asia/Tokyo") as one:
        yield one


def boxes(page: Page) -> list[dict[str, float]]:
    found = page.locator(".wall-tile").all()
    return [dict(box) for one in found if (box := one.bounding_box()) is not None]


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1440, 900), (3840, 2160)])
def test_tiles_fill_the_screen_and_none_is_too_small(
    viewer: BrowserContext, address: str, width: int, height: int
) -> None:
    with quiet_page(viewer, address) as page:
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{address}/wall")
        expect(page.locator("#wall-summary")).to_contain_text("30 sources")
        found = boxes(page)
        assert all(one["width"] >= 160 for one in found)
        assert all(one["x"] + one["width"] <= width for one in found)
        assert all(one["y"] + one["height"] <= height for one in found)
        room = sum(one["width"] * one["height"] for one in found) / (width * height)
        assert room > 0.75
        parts = page.locator("#wall-part")
        expect(parts).to_have_text(re.compile(r"^1 of \d$") if width < 640 else "")
        assert len(found) == MANY or width < 640
        expect(page.locator("nav")).to_be_hidden()
        size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        assert page.evaluate(size) == [width, height]
        assert Axe().run(page).violations_count == 0


def test_a_wall_of_a_tag_names_the_viewers_clock_and_escape_leads_back(
    viewer: BrowserContext, address: str
) -> None:
    with quiet_page(viewer, address) as page:
        page.goto(f"{address}/now")
        page.get_by_label("Tag").select_option("lobby")
        page.get_by_role("button", name="Wall").click()
        page.wait_for_url(f"{address}/wall?tag=lobby")
        expect(page.locator(".wall-tile h2")).to_have_text(["camera 2", "camera 10"])
        expect(page.locator("#wall-summary")).to_contain_text("lobby · 2 sources")
        expect(page.locator("#wall-clock")).to_have_text(
            re.compile(r"^\w{3} \d+ \w{3} \d\d:\d\d:\d\d · Asia/Tokyo$")
        )
        widths = [one["width"] for one in boxes(page)]
        assert min(widths) > 600, "two tiles are larger than thirty"
        page.evaluate("document.exitFullscreen?.()")
        page.keyboard.press("Escape")
        page.wait_for_url(f"{address}/now")
        expect(page.locator("nav")).to_be_visible()


def test_a_wall_loads_itself_again_when_the_server_has_another_version(
    viewer: BrowserContext, address: str
) -> None:
    """Given a server that names another script than this page has run."""
    documents = list[str]()

    def is_document(request: Request) -> bool:
        return request.resource_type == "document"

    def answer(route: Route) -> None:
        if is_document(route.request):
            documents.append(route.request.url)
            route.continue_()
        elif len(documents) == 1:
            script = '<script src="/_dash-component-suites/dash/dcc/dash_renderer.new.js"></script>'
            route.fulfill(content_type="text/html", body=script)
        else:
            route.continue_()

    with patient_page(viewer) as page:
        page.route(f"{address}/wall", answer)
        with page.expect_event("request", lambda one: is_document(one) and len(documents) == 1):
            page.goto(f"{address}/wall")
        expect(page.locator(".wall-tile").first).to_be_visible()
        assert len(documents) == 2


def test_a_wall_says_when_the_server_is_away_and_goes_on_when_it_is_back(
    viewer: BrowserContext, address: str
) -> None:
    with patient_page(viewer) as page:
        page.add_init_script("delete window.SharedWorker")  # Whose requests no test can stop.
        page.goto(f"{address}/wall")
        expect(page.locator(".wall-tile").first).to_be_visible()
        message = page.locator("#wall-message")
        expect(message).to_be_hidden()
        page.route("**/api/**", lambda route: route.abort())
        page.evaluate("window.dispatchEvent(new Event('pagehide'))")
        page.evaluate("window.dispatchEvent(new Event('pageshow'))")
        expect(message).to_contain_text("The connection to moodline was lost at")
        expect(page.locator(".wall-tiles.is-stale")).to_be_visible()
        page.unroute("**/api/**")
        expect(message).to_be_hidden()
        expect(page.locator(".wall-tiles.is-stale")).to_have_count(0)
