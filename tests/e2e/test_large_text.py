"""Every page on a narrow screen, with the browser's text size doubled."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from contracts.settings import Settings
from records.database import open_engine
from serving.backend import Backend
from tests.browser import chromium
from tests.e2e.commands import poll
from tests.pages import keep_picture, quiet_page, serving


@pytest.fixture
def address(month_database: Path, tmp_path: Path) -> Iterator[str]:
    database = shutil.copyfile(month_database, tmp_path / "records.db")
    engine = open_engine(f"sqlite:///{database}")
    with serving(Backend(engine, Settings())) as one:
        yield one
    engine.dispose()


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium("--blink-settings=defaultFontSize=32") as one:
        yield one


def test_large_text_fits_a_narrow_screen(browser: Browser, address: str) -> None:
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
            if path == "now":
                expect(page.locator(".time-ticks").first).to_be_visible()
            if path.startswith("trends"):
                expect(page.get_by_role("heading", name="Moments")).to_be_visible()
            assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
            poll(lambda: page.evaluate("document.documentElement.scrollWidth") == 390)
            expect(page.locator(".rail nav")).to_have_css("position", "static")
            keep_picture(page, f"twice-{path.partition('?')[0]}")
