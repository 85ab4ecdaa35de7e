"""The theme of the pages: chosen on any of them, and kept by the browser."""

import re

from playwright.sync_api import Page, expect

from contracts.expressions import DARK_THEME, LIGHT_THEME
from tests.e2e.trends.trends_page import opened_trends

BACKGROUND = "getComputedStyle(document.body).backgroundColor"
LIGHT_PAGE, DARK_PAGE = "rgb(244, 245, 247)", "rgb(18, 20, 23)"


def drawn(colour: str) -> str:
    """Return the selector of what a chart draws in a colour."""
    numbers = bytes.fromhex(colour.lstrip("#"))
    return f"figure:visible [style*='rgb({', '.join(map(str, numbers))})']"


def test_a_chosen_theme_is_kept_and_printed_charts_are_light(new_page: Page, address: str) -> None:
    page = new_page
    light, dark = (drawn(one.labels["neutral"]) for one in (LIGHT_THEME, DARK_THEME))
    page.emulate_media(color_scheme="light")
    opened_trends(page, address, "from=now-3d&to=now&sources=library")
    assert page.evaluate(BACKGROUND) == LIGHT_PAGE
    try:
        page.get_by_role("button", name="Dark", exact=True).click()
        expect(page.locator(dark).first).to_be_attached()
        assert page.evaluate(BACKGROUND) == DARK_PAGE

        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        expect(page.locator(light).first).to_be_attached()
        expect(page.locator(dark)).to_have_count(0)
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        expect(page.locator(light)).to_have_count(0)

        # The document begins in the theme: no script has to run for it.
        answer = page.reload()
        assert answer is not None
        assert re.search(r'<html lang="en[^"]*"[^>]* data-theme="dark">', answer.text())
        assert '<meta name="color-scheme" content="dark">' in answer.text()
        expect(page.locator(".themes [aria-pressed=true]")).to_have_text("Dark")
        expect(page.locator(dark).first).to_be_attached()
    finally:
        page.get_by_role("button", name="As the system").click()
    assert page.evaluate(BACKGROUND) == LIGHT_PAGE
    assert "moodline_theme" not in page.evaluate("document.cookie")
    page.emulate_media(color_scheme="dark")
    expect(page.locator(dark).first).to_be_attached()
    assert page.evaluate(BACKGROUND) == DARK_PAGE
