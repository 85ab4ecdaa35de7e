"""The zoom of the page Trends: in the address, shared, undone with Back, and reset."""

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from analytics.history.rollups import roll_up_all
from contracts.settings import Settings
from records.database import open_engine
from records.schema import upgrade
from serving.backend import Backend
from tests.e2e.commands import poll
from tests.history import at_us, write_history_run
from tests.pages import patient_page, quiet_page, serving

BERLIN = ZoneInfo("Europe/Berlin")
CLOCKS_CHANGED = datetime(2026, 10, 25, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def viewer(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(timezone_id="Europe/Berlin") as one:
        yield one


@pytest.fixture
def page(viewer: BrowserContext, address: str) -> Iterator[Page]:
    with quiet_page(viewer, address) as one:
        yield one


def opened(page: Page, url: str) -> Page:
    page.goto(url)
    expect(page.locator("figure:visible .main-svg").first).to_be_visible()
    expect(page.locator(".heat-map")).to_be_visible()
    return page


def axes(page: Page) -> list[list[str]]:
    """The begin and end of each chart's axis, to the minute."""
    script = """[...document.querySelectorAll("figure:not([hidden]) .js-plotly-plot")].map(
        one => one.layout.xaxis.range.map(end => String(end).replace(" ", "T").slice(0, 16)))"""
    return [[str(end) for end in one] for one in page.evaluate(script)]


def drag(page: Page, chart: int, begin: float, end: float) -> None:
    """Drag over a part of the chart's plot. begin, end: shares of its width."""
    place = page.locator("figure:visible .nsewdrag[data-subplot=xy]").nth(chart)
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + begin * box["width"], box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + end * box["width"], box["y"] + 40, steps=6)
    page.mouse.up()


def zoom_of(page: Page) -> tuple[datetime, datetime]:
    begin, _, end = parse_qs(urlsplit(page.url).query)["zoom"][0].partition("/")
    return datetime.fromisoformat(begin), datetime.fromisoformat(end)


def shows_all_after_double_click(page: Page) -> bool:
    """Double-click a chart. One that is drawn meanwhile loses a click, so it may need another."""
    page.locator("figure:visible .nsewdrag[data-subplot=xy]").first.dblclick()
    try:
        page.wait_for_url(re.compile("^((?!zoom=).)*$"), timeout=5_000)
    except PlaywrightTimeout:
        return False
    return True


def test_a_zoom_applies_to_all_charts_and_is_in_the_address(
    page: Page, address: str, viewer: BrowserContext
) -> None:
    query = "from=now-7d&to=now&sources=caf%C3%A9,library"
    opened(page, f"{address}/trends?{query}")
    week = axes(page)
    drag(page, 1, 0.4, 0.54)  # Not only the first chart accepts a drag.
    page.wait_for_url(re.compile("zoom="))
    expect(page.locator("#span")).to_contain_text("in steps of 5 min")
    begin, end = zoom_of(page)
    assert timedelta(hours=22) < end - begin < timedelta(hours=25)
    poll(lambda: axes(page) != week and axes(page)[0] == axes(page)[1])
    first, last = (datetime.fromisoformat(one).replace(tzinfo=BERLIN) for one in axes(page)[0])
    assert abs(first - begin) < timedelta(minutes=6) and abs(last - end) < timedelta(minutes=6)
    assert "from=now-7d" in page.url, "the range is still in the address"
    zoomed = axes(page)

    with patient_page(viewer) as copy:
        opened(copy, page.url)
        poll(lambda: axes(copy) == axes(page))

    drag(page, 0, 0.1, 0.3)
    closer = page.url
    page.wait_for_url(lambda url: url != closer)
    expect(page.locator("#span")).to_contain_text("in steps of 1 min")
    page.go_back()
    page.wait_for_url(closer)
    expect(page.locator("#span")).to_contain_text("in steps of 5 min")
    poll(lambda: axes(page) == zoomed)
    poll(lambda: shows_all_after_double_click(page))
    expect(page.locator("#span")).to_contain_text("in steps of 1 h")
    page.go_back()
    page.wait_for_url(re.compile("zoom="))
    page.get_by_role("button", name="Show the whole range").click()
    expect(page.locator("#span")).to_contain_text("in steps of 1 h")


def test_a_zoom_across_a_clock_change_has_the_times_of_the_axis(
    viewer: BrowserContext, tmp_path: Path
) -> None:
    since, until = CLOCKS_CHANGED - timedelta(days=3), CLOCKS_CHANGED + timedelta(days=2)
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    for day in range(4):
        begin = at_us(since + timedelta(days=day, hours=12))
        write_history_run(engine, "door", begin, 50, random.Random(day), step_ms=1000)
    roll_up_all(engine)
    with serving(Backend(engine, Settings())) as address, patient_page(viewer) as page:
        opened(page, f"{address}/trends?from={since:%Y-%m-%dT%H:%MZ}&to={until:%Y-%m-%dT%H:%MZ}")
        expect(page.locator("#span")).to_contain_text("the axis is in UTC+01:00")
        page.evaluate(
            """Plotly.relayout(document.querySelector("figure:not([hidden]) .js-plotly-plot"),
            {"xaxis.range": ["2026-10-23", "2026-10-24 12:00"]}) && 0"""
        )
        page.wait_for_url(re.compile("zoom="))
        # The axis is in UTC+1 throughout; summer time would be an hour earlier.
        assert zoom_of(page) == (
            datetime(2026, 10, 22, 23, tzinfo=UTC),
            datetime(2026, 10, 24, 11, tzinfo=UTC),
        )
    engine.dispose()
