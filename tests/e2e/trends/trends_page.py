"""The page Trends as its tests use it."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect


def opened_trends(page: Page, address: str, query: str) -> Page:
    page.goto(f"{address}/trends?{query}")
    expect(page.locator("figure:visible .main-svg").first).to_be_visible()
    expect(page.locator(".heat-map")).to_be_visible()
    return page


def parameters(page: Page) -> dict[str, list[str]]:
    """Return the parameters of the address."""
    return parse_qs(urlsplit(page.url).query)
