"""A zoom of Trends is in the address: it can be shared, gone back from, and reset."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from contracts.settings import Settings
from contracts.times import utc_now
from dashboard.web.backend import Backend
from moodline.demo.generated_month import write_month
from records.database import open_engine
from records.schema import upgrade
from tests.e2e.commands import poll
from tests.pages import quiet_page, serving

BERLIN = ZoneInfo("Europe/Berlin")
CLOCKS_CHANGED = datetime(2026, 10, 25, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with a_month(tmp_path_factory.mktemp("records"), utc_now()) as one:
        yield one


@contextmanager
def a_month(folder: Path, until: datetime) -> Iterator[str]:
    engine = open_engine(f"sqlite:///{folder / 'records.db'}")
    upgrade(engine)
    write_month(engine, until)
    with serving(Backend(engine, Settings())) as one:
        yield one
    engine.dispose()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with (
        browser.new_context(timezone_id="Europe/Berlin") as viewer,
        quiet_page(viewer, address) as one,
    ):
        yield one


def opened(page: Page, url: str) -> Page:
    page.goto(url)
    expect(page.locator("figure:visible .main-svg").first).to_be_visible()
    expect(page.locator(".heat-map")).to_be_visible()
    return page


def axes(page: Page) -> list[list[str]]:
    """Where the axis of each chart begins and ends, to the minute."""
    script = """[...document.querySelectorAll("figure:not([hidden]) .js-plotly-plot")].map(
        one => one.layout.xaxis.range.map(end => String(end).replace(" ", "T").slice(0, 16)))"""
    return [[str(end) for end in one] for one in page.evaluate(script)]


def drag(page: Page, chart: int, begin: float, end: float) -> None:
    """Over a part of the chart's plot, whose width is 1."""
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


def test_a_zoom_is_in_the_address_and_holds_for_all_charts(
    page: Page, address: str, browser: Browser
) -> None:
    query = "from=now-7d&to=now&sources=caf%C3%A9,library"
    opened(page, f"{address}/trends?{query}")
    week = axes(page)
    drag(page, 1, 0.4, 0.54)  # Any chart, not the first alone.
    page.wait_for_url(re.compile("zoom="))
    expect(page.locator("#span")).to_contain_text("in steps of 5 min")
    begin, end = zoom_of(page)
    assert timedelta(hours=22) < end - begin < timedelta(hours=25)
    poll(lambda: axes(page) != week and axes(page)[0] == axes(page)[1])
    first, last = (datetime.fromisoformat(one).replace(tzinfo=BERLIN) for one in axes(page)[0])
    assert abs(first - begin) < timedelta(minutes=6) and abs(last - end) < timedelta(minutes=6)
    assert "from=now-7d" in page.url, "what it is a part of is still known"

    with browser.new_context(timezone_id="Europe/Berlin") as other, other.new_page() as copy:
        opened(copy, page.url)
        poll(lambda: axes(copy) == axes(page))

    drag(page, 0, 0.1, 0.3)
    closer = page.url
    page.wait_for_url(lambda url: url != closer)
    expect(page.locator("#span")).to_contain_text("in steps of 1 min")
    page.go_back()
    page.wait_for_url(closer)
    expect(page.locator("#span")).to_contain_text("in steps of 5 min")
    page.locator("figure:visible .nsewdrag[data-subplot=xy]").first.dblclick()
    page.wait_for_url(re.compile("^((?!zoom=).)*$"))
    expect(page.locator("#span")).to_contain_text("in steps of 1 h")
    page.go_back()
    page.wait_for_url(re.compile("zoom="))
    page.get_by_role("button", name="Show the whole range").click()
    expect(page.locator("#span")).to_contain_text("in steps of 1 h")


def test_a_zoom_after_the_clocks_changed_is_where_it_was_drawn(
    browser: Browser, tmp_path: Path
) -> None:
    since, until = CLOCKS_CHANGED - timedelta(days=3), CLOCKS_CHANGED + timedelta(days=2)
    with (
        a_month(tmp_path, CLOCKS_CHANGED + timedelta(days=4)) as address,
        browser.new_context(timezone_id="Europe/Berlin") as viewer,
        viewer.new_page() as page,
    ):
        opened(page, f"{address}/trends?from={since:%Y-%m-%dT%H:%MZ}&to={until:%Y-%m-%dT%H:%MZ}")
        expect(page.locator("#span")).to_contain_text("the axis is in UTC+01:00")
        page.evaluate(
            """Plotly.relayout(document.querySelector("figure:not([hidden]) .js-plotly-plot"),
            {"xaxis.range": ["2026-10-23", "2026-10-24 12:00"]}) && 0"""
        )
        page.wait_for_url(re.compile("zoom="))
        # At UTC+1, as the axis says: summer time would be an hour earlier.
        assert zoom_of(page) == (
            datetime(2026, 10, 22, 23, tzinfo=UTC),
            datetime(2026, 10, 24, 11, tzinfo=UTC),
        )
