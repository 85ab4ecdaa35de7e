"""Saved views of Trends: saved by name, opened by a click, and one of them first."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import Engine, delete

from records.database import transaction
from records.tables.saved_views import SavedView
from tests.e2e.trends.trends_page import opened_trends, parameters


@pytest.fixture(autouse=True)
def no_views(engine: Engine) -> Iterator[None]:
    """None before and after, so that other modules' Trends open with the last 24 hours."""
    yield
    with transaction(engine) as connection:
        connection.execute(delete(SavedView))


def opened_list(page: Page) -> Locator:
    page.locator("#views .opener").click()
    return page.locator("#views-panel")


def save(page: Page, name: str, *options: str) -> None:
    panel = opened_list(page)
    panel.get_by_label("Name of the view").fill(name)
    for option in options:
        panel.get_by_label(option).check()
    panel.get_by_role("button", name="Save", exact=True).click()
    expect(panel.get_by_role("link", name=name)).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_a_view_is_saved_opened_renamed_and_deleted(page: Page, address: str) -> None:
    opened_trends(page, address, "from=now-7d&to=now&sources=library&mode=lines&rank=valence")
    chosen = page.locator("#views-open")
    expect(chosen).to_have_text("Not saved")
    save(page, "Library, weekly")
    expect(chosen).to_have_text("Library, weekly")
    page.get_by_role("button", name="24 h", exact=True).click()
    expect(chosen).to_have_text("Not saved")

    panel = opened_list(page)
    panel.get_by_role("link", name="Library, weekly").click()
    page.wait_for_url(re.compile("now-7d"))
    assert parameters(page) == {
        "from": ["now-7d"],
        "to": ["now"],
        "sources": ["library"],
        "mode": ["lines"],
        "rank": ["valence"],
    }
    expect(page.locator("#charts figure:visible h2")).to_have_text(["library (generated)"])
    page.go_back()
    page.wait_for_url(re.compile("now-24h"))

    panel = opened_list(page)
    panel.get_by_label("Change Library, weekly").click()
    panel.get_by_role("button", name="Rename").click()
    panel.get_by_label("New name").fill("Library")
    panel.get_by_role("button", name="Rename").click()
    expect(panel.get_by_role("link", name="Library", exact=True)).to_be_visible()
    assert Axe().run(page, "#views").violations_count == 0

    panel.get_by_label("Change Library").click()
    panel.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(panel.get_by_text("No view is saved yet.")).to_be_visible()
    page.keyboard.press("Escape")


def test_trends_open_with_the_default_view_and_back_leads_out(page: Page, address: str) -> None:
    opened_trends(page, address, "from=now-3d&to=now&sources=library")
    save(page, "Library first", "Open Trends with it", "Share with all users")
    page.get_by_role("link", name="Sources").click()
    expect(page.locator("h1")).to_have_text("Sources")
    page.get_by_role("link", name="Trends").click()
    page.wait_for_url(re.compile(r"/trends\?from=now-3d&to=now&sources=library"))
    expect(page.locator("#views-open")).to_have_text("Library first")
    expect(page.locator("#charts figure:visible h2")).to_have_text(["library (generated)"])
    page.go_back()
    expect(page.locator("h1")).to_have_text("Sources")
    assert page.url == f"{address}/sources"

    opened_trends(page, address, "from=now-24h&to=now&mode=share")
    expect(page.locator("#views-open")).to_have_text("Not saved")  # An address is obeyed.
    panel = opened_list(page)
    expect(panel.locator("li")).to_contain_text("opens first · shared")
    panel.get_by_label("Change Library first").click()
    panel.get_by_role("button", name="Do not open first").click()
    expect(panel.locator("li")).not_to_contain_text("opens first")
    page.keyboard.press("Escape")
