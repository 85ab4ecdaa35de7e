"""The page Trends in a browser: its state in the address, ranges, refreshes, no history."""

import random
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from sqlalchemy import Engine

from analytics.history.rollups import roll_up_all
from contracts.settings import Settings
from contracts.times import utc_now
from records.database import open_engine
from records.schema import upgrade
from serving.backend import Backend
from tests.e2e.commands import poll
from tests.history import at_us, write_history_run
from tests.pages import patient_page, quiet_page, serving

SOURCES = ("door", "hall, left", "<b>yard</b>")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Three sources, analysed an hour and two days ago, and nothing in between."""
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('records') / 'records.db'}")
    upgrade(engine)
    chance = random.Random(5)
    for source in SOURCES:
        for ago in (timedelta(hours=1), timedelta(days=2)):
            begin = utc_now() - ago
            write_history_run(engine, source, at_us(begin), 200, chance, step_ms=1000, batch=50)
    roll_up_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def address(engine: Engine) -> Iterator[str]:
    with serving(Backend(engine, Settings())) as one:
        yield one


@pytest.fixture(scope="module")
def viewer(browser: Browser) -> Iterator[BrowserContext]:
    """A viewer in Berlin; all tests of the module share the browser context."""
    with browser.new_context(timezone_id="Europe/Berlin") as one:
        yield one


@pytest.fixture
def page(viewer: BrowserContext, address: str) -> Iterator[Page]:
    """A page that makes no request elsewhere and writes nothing to its console."""
    with quiet_page(viewer, address) as page:
        yield page


def opened(page: Page, url: str) -> Page:
    page.goto(url)
    expect(page.locator("figure:visible .main-svg").first).to_be_visible()
    return page


def pressed(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True, pressed=True)


def headings(page: Page) -> list[str]:
    return page.locator("figure:visible h2").all_inner_texts()


def shown_range(page: Page) -> list[str]:
    """Return begin and end of the first chart's axis."""
    script = "document.querySelector('figure:not([hidden]) .js-plotly-plot').layout.xaxis.range"
    return [str(one) for one in page.evaluate(script)]


def test_the_page_shows_a_chart_and_totals_for_each_source(page: Page, address: str) -> None:
    opened(page, f"{address}/trends")
    assert headings(page) == sorted(SOURCES)
    expect(page.locator("#lead")).to_contain_text("3 sources together: most")
    # The sources are recordings: the time between two of them is not expected, so not a gap.
    expect(page.locator("#lead")).to_contain_text("100 % covered; no gap")
    expect(page.locator("#span")).to_contain_text("(Europe/Berlin)")
    expect(page.locator("#per-source tbody tr")).to_have_count(3)
    expect(page.locator("#per-source")).to_contain_text("Derived valence")
    expect(page.locator("#valence-help")).to_contain_text("not measured")
    expect(page.locator("#legend li")).to_have_count(9)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("footer")).to_contain_text(
        "moodline reads expressions, not feelings; it identifies nobody."
    )


def test_the_address_is_the_state_of_the_page(page: Page, address: str) -> None:
    opened(page, f"{address}/trends")
    day = shown_range(page)
    page.get_by_text("7 d", exact=True).click()
    page.wait_for_url("**/trends?from=now-7d&to=now&mode=share")
    expect(page.locator("#span")).to_contain_text("in steps of 1 h")
    poll(lambda: shown_range(page) != day)
    page.get_by_role("button", name="Sources and tags All sources").click()
    page.get_by_role("checkbox", name="hall, left").check()
    page.wait_for_url("**sources=hall%2C%20left*")
    expect(page.locator("figure:visible")).to_have_count(1)
    page.keyboard.press("Escape")
    page.get_by_text("Person-seconds", exact=True).click()
    page.wait_for_url("**mode=seconds")
    expect(page.locator("figure:visible")).to_contain_text("person-minutes per step")
    lead, week = page.locator("#lead").inner_text(), shown_range(page)

    opened(page, page.url)
    expect(page.locator("#lead")).to_have_text(lead)
    assert lead.startswith("hall, left: ") and headings(page) == ["hall, left"]
    assert shown_range(page) == week
    expect(pressed(page, "7 d")).to_be_visible()
    expect(pressed(page, "Person-seconds")).to_be_visible()

    page.go_back()
    page.wait_for_url("**mode=share")
    expect(pressed(page, "Share")).to_be_visible()


def test_a_custom_range_is_shown_and_an_invalid_one_explained(page: Page, address: str) -> None:
    opened(page, f"{address}/trends")
    page.get_by_text("Custom", exact=True).click()
    now = datetime.now().replace(second=0, microsecond=0)
    page.get_by_label("From", exact=True).fill("2026-01-02T08:00")
    page.get_by_label("To", exact=True).fill("2026-01-01T08:00")
    page.get_by_role("button", name="Show range").click()
    expect(page.locator("#range-trouble")).to_have_text("The begin must be before the end.")
    begin = (now - timedelta(days=3)).isoformat(timespec="minutes")
    page.get_by_label("From", exact=True).fill(begin)
    page.get_by_label("To", exact=True).fill(f"{now + timedelta(days=1):%Y-%m-%dT00:00}")
    page.get_by_role("button", name="Show range").click()
    page.wait_for_url("**/trends?from=20*")
    expect(page.locator("#span")).to_contain_text(begin[-5:])
    expect(page.locator("#range-trouble")).to_be_empty()


def test_invalid_parts_of_the_address_are_noted(page: Page, address: str) -> None:
    opened(page, f"{address}/trends?from=<script>&mode=pie&sources=door,nobody")
    expect(page.locator("#notes p")).to_have_count(3)
    assert headings(page) == ["door"]
    page.evaluate("dash_clientside.set_props('url', {search: '?from=2020-01-01&to=2020-02-01'})")
    expect(page.locator("#empty")).to_contain_text("Nothing was analysed in this range")
    page.get_by_role("link", name="Show what was analysed last").click()
    expect(page.locator("figure:visible .main-svg").first).to_be_visible()


def test_a_refresh_keeps_the_zoom_and_the_open_table(page: Page, address: str) -> None:
    opened(page, f"{address}/trends?from=now-7d&sources=door")
    page.get_by_text("Data table").locator("visible=true").click()
    rows = page.locator("figure:visible tbody tr")
    expect(rows).not_to_have_count(0)
    expect(rows.filter(has_text="no coverage until")).not_to_have_count(0)
    whole, table = shown_range(page), page.locator("figure:visible table")
    of_the_whole = table.inner_html()
    plot = page.locator("figure:visible .nsewdrag").first.bounding_box()
    assert plot is not None
    # Around two days ago, where there are frames.
    page.mouse.move(plot["x"] + 0.66 * plot["width"], plot["y"] + 20)
    page.mouse.down()
    page.mouse.move(plot["x"] + 0.77 * plot["width"], plot["y"] + 30, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile("zoom="))
    expect(page.locator("#span")).to_contain_text("in steps of 5 min")
    poll(lambda: shown_range(page) != whole)
    # The table is requested separately, after the chart.
    poll(lambda: table.inner_html() != of_the_whole)
    page.wait_for_load_state("networkidle")
    zoomed, of_the_zoom = shown_range(page), table.inner_html()

    with page.expect_response(lambda answer: '"lead"' in answer.text()):
        page.evaluate("dash_clientside.set_props('refresh', {n_intervals: 99})")
    page.wait_for_load_state("networkidle")
    assert shown_range(page) == zoomed
    assert table.inner_html() == of_the_zoom
    page.emulate_media(color_scheme="dark")
    sad = page.locator("figure:visible .js-plotly-plot").first
    poll(lambda: "rgb(42, 127, 212)" in sad.inner_html())
    assert shown_range(page) == zoomed


def test_the_narrow_page_does_not_scroll_sideways(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, f"{address}/trends?from=now-7d&to=now")
    page.get_by_text("Data table").locator("visible=true").first.click()
    expect(page.locator("figure:visible tbody tr").first).to_be_visible()
    page.locator("#controls-opener").click()
    page.get_by_text("Custom", exact=True).click()
    expect(page.get_by_label("From", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_without_database_or_history_the_page_explains_what_to_do(
    browser: Browser, tmp_path: Path
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    with (
        serving(Backend(engine, Settings()), prefix="/moodline/") as address,
        browser.new_context() as viewer,
        patient_page(viewer) as page,
    ):
        page.goto(address)
        page.wait_for_url(f"{address}/moodline/now")
        expect(page.locator("#now-link")).to_contain_text("cannot use the database")
        page.get_by_role("link", name="Trends").click()
        expect(page.locator("#trouble")).to_contain_text("cannot use the database")
        expect(page.locator("#results")).to_be_hidden()
        upgrade(engine)
        page.evaluate("dash_clientside.set_props('refresh', {n_intervals: 99})")
        expect(page.locator("#empty")).to_contain_text("moodline source add NAME URI")
        expect(page.locator("#trouble")).to_be_empty()
        for way, path in (("Start the demo", "now"), ("Add a camera", "sources?add=camera")):
            link = page.locator("#empty").get_by_role("link", name=way)
            assert link.evaluate("one => one.href") == f"{address}/moodline/{path}"
        link.click()
        page.wait_for_url(f"{address}/moodline/sources*")
    engine.dispose()
