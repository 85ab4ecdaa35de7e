"""Every page on a telephone whose owner reads text twice as large, as the browser is told."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from contracts.settings import Settings
from contracts.times import utc_now
from dashboard.web.backend import Backend
from moodline.demo.generated_month import write_month
from records.database import open_engine
from records.schema import upgrade
from tests.browser import chromium
from tests.e2e.commands import poll
from tests.pages import quiet_page, serving


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    write_month(engine, utc_now())
    with serving(Backend(engine, Settings())) as one:
        yield one
    engine.dispose()


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium("--blink-settings=defaultFontSize=32") as one:
        yield one


def test_nothing_is_scrolled_sideways_and_no_tabs_stay_before_it(
    browser: Browser, address: str, tmp_path: Path
) -> None:
    shots = Path(os.environ.get("MOODLINE_SHOTS") or tmp_path)
    with (
        browser.new_context(viewport={"width": 390, "height": 844}) as viewer,
        quiet_page(viewer, address) as page,
    ):
        for path in (
            "trends?from=now-7d&sources=library",
            "now",
            "system",
            "recordings",
            "sources",
            "try",
        ):
            page.goto(f"{address}/{path}")
            expect(page.locator("#page h1")).to_be_visible()
            if path.startswith("trends"):
                expect(page.locator("#moment-0")).to_be_visible()
            assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
            poll(lambda: page.evaluate("document.documentElement.scrollWidth") == 390)
            expect(page.locator(".rail nav")).to_have_css("position", "static")
            page.screenshot(path=shots / f"twice-{path.partition('?')[0]}.png", full_page=True)
