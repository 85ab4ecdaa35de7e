"""The list of sources and tags of the page Trends, in a browser."""

import csv
import io
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.e2e.trends.trends_page import change_to_dark, opened_trends, parameters
from tests.pages import keep_picture


def source_list(page: Page) -> Locator:
    """Open the list of sources and return it."""
    page.get_by_role("button", name="Sources and tags").click()
    return page.get_by_role("list", name="Sources and tags")


def test_a_tag_can_be_chosen_as_its_sources(page: Page, address: str) -> None:
    opened_trends(page, address, "from=now-24h&to=now&sources=library")
    source_list(page).get_by_label("tag generated, each source").check()
    page.wait_for_url(lambda url: "entrance" in url)
    assert sorted(parameters(page)["sources"][0].split(",")) == ["café", "entrance", "library"]
    expect(page.get_by_label("entrance", exact=True)).to_be_checked()


def test_sources_can_be_chosen_with_the_keyboard(page: Page, address: str) -> None:
    opened_trends(page, address, "from=now-7d&to=now&sources=library")
    button = page.get_by_role("button", name="Sources and tags")
    expect(button).to_have_accessible_name("Sources and tags library")
    button.press("Enter")
    choices = page.get_by_role("list", name="Sources and tags").get_by_role("listitem")
    expect(choices).to_have_text(
        ["library", "café", "entrance", "tag generated, as one", "tag generated, each source"]
    )
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("CAF")
    expect(choices).to_have_text(["café"])
    for key in ("Tab", "Tab", "Space"):
        page.keyboard.press(key)
    page.wait_for_url("**sources=library,caf%C3%A9*")
    expect(button).to_have_accessible_name("Sources and tags café · library")
    page.keyboard.press("Escape")
    expect(choices).to_have_count(0)
    expect(button).to_be_focused()
    button.press("Enter")
    page.keyboard.type("nobody")
    expect(page.locator("#sources")).to_contain_text("No source or tag matches.")
    page.get_by_role("button", name="Show all", exact=True).press("Enter")
    page.wait_for_url(lambda url: "sources=" not in url)
    page.get_by_role("heading", name="Trends").click()
    expect(choices).to_have_count(0)
    expect(button).to_have_accessible_name("Sources and tags All sources")


def test_quick_choices_are_all_kept(page: Page, address: str) -> None:
    opened_trends(page, address, "from=now-7d&to=now")
    choices = source_list(page)
    page.evaluate(
        """(() => { const labels = [...document.querySelectorAll("#sources label")];
        const choose = name => labels.find(one => one.textContent === name).click();
        choose("café");
        choose("entrance");
        // The server's answer to the first choice arrives now.
        const choices = ["café", "entrance", "library"].map(label => ({ label, values: [label] }));
        const detail = { choices, chosen: ["café"] };
        dispatchEvent(new CustomEvent("moodline-offered", { detail }));
        choose("library"); })()"""
    )
    page.wait_for_url("**sources=caf%C3%A9,entrance,library*")
    # And the tag that they all have.
    expect(choices.get_by_role("checkbox", checked=True)).to_have_count(4)
    expect(page.locator("#charts figure:visible")).to_have_count(3)


def test_the_open_list_of_sources_fits_a_narrow_page(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    opened_trends(page, address, "from=now-7d&to=now&sources=library,entrance")
    page.locator("#controls-opener").click()
    source_list(page)
    for theme in ("light", "dark"):
        if theme == "dark":
            change_to_dark(page.locator("#charts figure:visible"))
        keep_picture(page, f"trends-list-{theme}", full_page=False)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert not Axe().run(page, "#sources").response["violations"]


def test_a_tag_can_be_one_series_beside_sources(page: Page, address: str) -> None:
    opened_trends(page, address, "from=now-7d&to=now&sources=library")
    source_list(page).get_by_label("tag generated, as one").check()
    names = page.locator("#charts figure:visible h2")
    tag = "tag generated (3 sources, generated)"
    expect(names).to_have_text(["library (generated)", tag])
    assert (parameters(page)["sources"], parameters(page)["tags"]) == (["library"], ["generated"])
    expect(page.locator("#per-source tbody th")).to_have_text(["library (generated)", tag])
    expect(page.locator("#lead")).to_contain_text("3 sources together")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    named = {(row["source"], row["tag"], row["generated"]) for row in rows}
    assert named == {("library", "", "1"), ("", "generated", "1")}
    page.go_back()
    expect(names).to_have_text(["library (generated)"])
    opened_trends(page, address, "from=now-7d&to=now&tags=generated,attic")
    expect(names).to_have_text([tag])
    expect(page.locator("#notes")).to_contain_text("There is no tag “attic”")
