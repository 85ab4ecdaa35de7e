"""The questions that the page Trends answers: was it happier, which source, which hour."""

import re
from datetime import datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.trends.trends_page import opened_trends, parameters
from tests.pages import keep_picture, wait_for_route

VERDICT = re.compile(
    r"^(Happier|Less happy|About as happy|Too little to say).* the day before: happy \d+.%"
    r" \([+−]\d+.±.\d+.points\).* covered\.$"
)


def table(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def zoom_of(page: Page) -> list[datetime]:
    return [datetime.fromisoformat(one) for one in parameters(page)["zoom"][0].split("/")]


def test_was_yesterday_better_takes_two_clicks(page: Page, address: str) -> None:
    page.goto(f"{address}/sources")
    page.get_by_role("link", name="Trends").click()
    page.get_by_role("button", name="Yesterday", exact=True).click()
    expect(page.locator("#verdict")).to_have_text(VERDICT)
    expect(page.locator("#basis")).to_contain_text("Uncertainty: 95 %")
    assert (parameters(page)["from"], parameters(page)["to"]) == (["now-1d/d"], ["now/d"])
    compared = table(page, "Now and before, table")
    expect(compared.locator("tbody tr").first).to_contain_text(re.compile(r"happy.*±"))

    page.get_by_role("button", name="Same weekday", exact=True).click()
    expect(page.locator("#verdict")).to_contain_text("the same weekday a week before: happy")
    page.get_by_role("button", name="Any range", exact=True).click()
    earlier = datetime.now() - timedelta(days=10)
    page.get_by_label("Compare from").fill(f"{earlier:%Y-%m-%dT00:00}")
    page.get_by_label("Compare to").fill(f"{earlier + timedelta(days=1):%Y-%m-%dT00:00}")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator("#verdict")).to_contain_text(f"{earlier:%-d %b %Y}: happy")
    page.get_by_role("button", name="Nothing", exact=True).click()
    expect(page.locator("#verdict")).to_be_empty()
    expect(compared).to_have_count(0)


def test_a_late_answer_of_a_view_that_was_left_is_not_drawn(page: Page, address: str) -> None:
    """Given that it comes after the step back, and before the charts of the view before."""
    late: list[Route] = []
    charts: list[Route] = []

    def hold_late(route: Route) -> None:  # Playwright rejects the method of a list.
        late.append(route)

    def hold_charts(route: Route) -> None:
        charts.append(route)

    opened_trends(page, address, "from=now-7d&to=now")
    hours = page.get_by_role("grid", name="Hours of the week").locator("td.heat:not(.missing)")
    expect(hours.nth(20)).to_be_visible()
    of_the_week = hours.count()
    page.route(re.compile(r"trends/extras.*zoom="), hold_late)
    page.locator("#moment-0").click()
    answer = wait_for_route(page, late)
    page.route(re.compile("_dash-update-component"), hold_charts)
    page.evaluate("history.back()")
    waiting = wait_for_route(page, charts)
    assert "zoom" not in page.url
    with page.expect_response(lambda one: one.url == answer.request.url) as received:
        answer.continue_()
    received.value.finished()
    page.evaluate("fetch('/healthz').then((one) => one.text())")
    assert hours.count() == of_the_week
    page.unroute(re.compile("_dash-update-component"))
    for one in (waiting, *charts):
        one.continue_()
    expect(hours).to_have_count(of_the_week)


def test_sources_and_hours_are_ranked_by_any_measure_and_lead_to_it(
    page: Page, address: str
) -> None:
    opened_trends(page, address, "from=now-7d&to=now")
    sources, hours = table(page, "Sources, ranked"), table(page, "Hours, ranked")
    names = sources.locator("tbody th a")
    expect(names.first).to_have_text("café (generated)")
    expect(sources.locator("tbody tr").first.locator(".course rect").first).to_be_attached()
    sources.get_by_role("button", name="Value").click()
    expect(names.first).to_have_text("library (generated)")  # Ascending now.
    sources.get_by_role("button", name="Value").click()
    page.get_by_label("Ranked by", exact=True).select_option("valence")
    expect(sources.locator("tbody tr").first).to_contain_text(re.compile(r"valence [+−]\d.\d\d"))
    assert parameters(page)["rank"] == ["valence"]
    expect(hours.locator("tbody tr").first).to_contain_text("valence")
    cell = page.locator(".heat-map .heat:not(.missing):not(.little)").first
    expect(cell).to_have_attribute("title", re.compile(r":00: valence [+−]\d.\d\d, "))

    hours.locator("tbody th button").first.click()
    page.wait_for_url(re.compile("zoom=20"))
    begin, end = zoom_of(page)
    assert end - begin == timedelta(hours=1) and begin.minute == 0
    page.go_back()
    page.wait_for_url(lambda url: "zoom=" not in url)
    sources.get_by_role("button", name="Only this: café").click()
    expect(page.locator("#charts figure:visible h2")).to_have_text(["café (generated)"])
    assert parameters(page)["sources"] == ["café"]


def test_a_cell_and_a_bar_zoom_to_their_time(page: Page, address: str) -> None:
    opened_trends(page, address, "from=now-7d&to=now&sources=library&rank=person")
    bars = page.locator("figure:visible .barlayer .point:visible")
    expect(bars.first).to_be_visible()
    drawn = bars.count()
    cell = page.locator(".heat-map .heat:not(.missing)").nth(20)
    title = cell.get_attribute("title") or ""
    cell.click()
    page.wait_for_url(re.compile("zoom=20"))
    begin, _ = zoom_of(page)
    assert title.startswith(f"{begin:%A %H:00}: "), "the viewer's clock is UTC"
    page.go_back()
    page.wait_for_url(lambda url: "zoom=" not in url)
    expect(bars).to_have_count(drawn)
    bar = bars.nth(drawn // 3)
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url(re.compile("zoom=20"))
    begin, end = zoom_of(page)
    assert end - begin == timedelta(hours=1)


def test_on_a_phone_the_chart_leads_and_a_button_opens_the_controls(
    page: Page, address: str
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    opened_trends(page, address, "from=now/d&to=now&sources=library")
    plot = page.locator("figure:visible .nsewdrag").first.bounding_box()
    assert plot is not None and plot["y"] + plot["height"] < 844, "on the first screen"
    opener = page.locator("#controls-opener")
    expect(opener).to_have_text("Today · compared with: Period before · 1 chosen")
    expect(page.get_by_role("button", name="Yesterday", exact=True)).to_be_hidden()
    opener.click()
    page.get_by_role("button", name="Yesterday", exact=True).click()
    expect(opener).to_contain_text("Yesterday ·")
    expect(page.get_by_role("button", name="7 d", exact=True)).to_be_hidden()
    expect(page.locator("#verdict")).to_have_text(VERDICT)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("width", [390, pytest.param(1440, marks=pytest.mark.slow)])
def test_the_page_has_no_accessibility_violation(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    opened_trends(page, address, "from=now-1d/d&to=now/d&sources=library&rank=valence")
    if width < 640:
        page.locator("#controls-opener").click()
    keep_picture(page, f"answers-{width}")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_the_page_names_the_clock_of_its_times(page: Page, address: str) -> None:
    opened_trends(page, address, "from=now-7d&to=now")
    expect(page.locator("header .clock")).to_have_text("Times: UTC")
    moment = page.locator("#moment-0 strong")
    # As the server's own texts have it, where a browser names no region.
    expect(moment).to_have_text(re.compile(r"^[A-Z][a-z]{2} \d+ [A-Z][a-z]{2} \d\d:\d\d$"))
    expect(page.locator("#span")).to_contain_text(re.compile(r"^[A-Z][a-z]{2} \d+ [A-Z][a-z]{2} "))
