"""The page Trends as its tests use it."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page, expect

from contracts.expressions import DARK_THEME
from tests.pages import follow_link


def opened_trends(page: Page, address: str, query: str) -> Page:
    """Open the page Trends; from another page if this tab has loaded the scripts already."""
    if page.url.startswith(address):
        follow_link(page, "/account")
        expect(page.locator("#account-page .empty")).to_be_visible()
        follow_link(page, f"/trends?{query}")
    else:
        page.goto(f"{address}/trends?{query}")
    expect(page.locator("figure:visible .trace").first).to_be_attached()
    expect(page.locator(".heat-map")).to_be_visible()
    return page


def parameters(page: Page) -> dict[str, list[str]]:
    """Return the parameters of the address."""
    return parse_qs(urlsplit(page.url).query)


def change_to_dark(figures: Locator) -> None:
    """Let the reader's system turn dark; return when all these charts have been drawn again."""
    figures.page.emulate_media(color_scheme="dark")
    colour = DARK_THEME.labels["neutral"].lstrip("#")
    drawn = f"rgb({', '.join(str(byte) for byte in bytes.fromhex(colour))})"
    for figure in figures.all():
        expect(figure.locator(f"[style*='{drawn}']").first).to_be_attached()
