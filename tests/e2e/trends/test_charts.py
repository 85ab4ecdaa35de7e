"""The charts and details of the page Trends, in a browser over a generated month."""

import re
from datetime import timedelta
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import Engine, select

from contracts.times import MICROS, utc_now
from records.database import reading
from records.rollups.windows import HOUR_S
from records.tables.rollups import rollups
from records.tables.sources import Source
from tests.e2e.trends.trends_page import change_to_dark, opened_trends, parameters
from tests.pages import keep_picture, patient_page, quiet_page


def test_two_sources_have_charts_of_the_same_scale_and_a_comparison(
    page: Page, address: str
) -> None:
    opened_trends(page, address, "from=now-7d&to=now&sources=caf%C3%A9,library")
    names = page.locator("#charts figure:visible h2")
    expect(names).to_have_text(["café (generated)", "library (generated)"])
    expect(page.locator("#notes")).to_contain_text("Generated, not measured: café and library.")
    ranges = page.evaluate(
        "[...document.querySelectorAll('figure:not([hidden]) .js-plotly-plot')]"
        ".map(one => String(one.layout.yaxis.range))"
    )
    assert len(ranges) == 2 and len(set(ranges)) == 1, "one scale for both"
    compared = page.get_by_role("region", name="Compared with the time before")
    expect(compared.locator("tbody tr")).to_have_count(9)
    expect(compared).to_contain_text(re.compile(r"[+−]\d+ ± \d+ points"))


def test_a_single_expression_and_lines_are_in_the_address(page: Page, address: str) -> None:
    opened_trends(page, address, "from=now-7d&to=now&sources=library")
    page.get_by_title("Show only happy").first.click()
    expect(page.locator(".legend-link.only")).to_contain_text("happy")
    assert parameters(page)["only"] == ["happy"]
    page.get_by_text("Lines", exact=True).click()
    expect(page.locator("figure:visible .subplot.xy .scatterlayer .js-line").first).to_be_attached()
    assert parameters(page)["mode"] == ["lines"] and parameters(page)["only"] == ["happy"]
    drawn = (
        "document.querySelector('figure:not([hidden]) .js-plotly-plot').data.map(one => one.name)"
    )
    assert page.evaluate(drawn)[0] == "happy"
    expect(page.locator("#span")).to_contain_text("Dashed: the week before.")
    assert page.evaluate(drawn)[1] == "happy before"
    page.go_back()
    expect(page.locator("figure:visible .subplot.xy .scatterlayer .js-line")).to_have_count(0)


@pytest.mark.parametrize("mode", ["share", "lines"])
def test_direct_labels_fit_and_do_not_overlap(page: Page, address: str, mode: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    opened_trends(page, address, f"from=now-7d&to=now&sources=caf%C3%A9,library&mode={mode}")
    figures = page.locator("#charts figure:visible")
    for theme in ("light", "dark"):
        if theme == "dark":
            change_to_dark(figures)
        keep_picture(page, f"labels-{mode}-{theme}", full_page=False)
        for figure in figures.all():
            frame = figure.locator(".main-svg").first.bounding_box()
            named = figure.locator(".annotation-text").filter(has_text="■")
            boxes = [one.bounding_box() for one in named.all()]
            assert len(boxes) >= 3 and frame
            ends = sorted(
                (one["y"], one["y"] + one["height"], one["x"], one["width"]) for one in boxes if one
            )
            assert all(x + width <= frame["x"] + frame["width"] for _, _, x, width in ends)
            assert all(above <= begin + 3 for (_, above, *_), (begin, *_) in pairwise(ends))


def test_generated_history_is_marked_everywhere_and_a_moment_zooms_to_its_time(
    page: Page, address: str
) -> None:
    opened_trends(page, address, "from=now-7d&to=now")
    expect(page.locator("#lead")).to_contain_text(
        "3 sources together (all generated, not measured)"
    )
    expect(page.locator("#moment-0")).to_contain_text(re.compile(r"\(generated\): \w+"))
    expect(page.locator("#per-source tbody tr").first).to_contain_text("(generated)")
    page.locator("#moment-0").click()
    page.wait_for_url(re.compile("zoom=20"))
    assert parameters(page)["zoom"][0].endswith("Z") and parameters(page)["from"] == ["now-7d"]
    expect(page.locator("#moment-0, .extras .soft").first).to_be_visible()


def test_an_hour_of_the_week_agrees_with_the_records(
    page: Page, address: str, engine: Engine
) -> None:
    opened_trends(page, address, "from=now-30d&to=now&sources=library&rank=person")
    cell = page.locator(".heat-map tbody tr").nth(2).locator("td").nth(14)
    title = cell.get_attribute("title") or ""
    shown = float(re.findall(r"([\d.]+) faces in view", title)[0])
    since = (utc_now() - timedelta(days=30)).timestamp() * MICROS
    with reading(engine) as connection:
        rows = connection.execute(
            select(rollups)
            .join(Source, Source.id == rollups.c.source_pk)
            .where(Source.name == "library", rollups.c.width_s == HOUR_S)
            .where(rollups.c.start >= since)
        ).mappings()
        # Day 0 was a Thursday; Wednesdays at two.
        hours = [row for row in rows if (row["start"] // (HOUR_S * MICROS) - 96) % 168 == 62]
    people = sum(
        value for row in hours for name, value in row.items() if _is_person_time(str(name))
    )
    assert shown == pytest.approx(people / sum(row["analyzed_ms"] for row in hours), abs=0.06)
    page.get_by_label("Ranked by", exact=True).select_option("happy")
    expect(cell).to_have_attribute("title", re.compile(r"Wednesday 14:00: \d+ % happy"))


def _is_person_time(name: str) -> bool:
    return name.endswith("_ms") and name not in {
        "analyzed_ms",
        "occupied_ms",
        "up_ms",
        "watched_ms",
    }


def test_dates_and_numbers_follow_the_browser_language(
    viewer: BrowserContext, address: str
) -> None:
    browser = viewer.browser
    assert browser is not None
    with (
        browser.new_context(locale="de-DE", timezone_id="Europe/Berlin") as german,
        quiet_page(german, address) as page,
    ):
        opened_trends(page, address, "from=now-7d&to=now&sources=library")
        expect(page.locator("#span")).to_contain_text(
            re.compile(r"^(Mo|Di|Mi|Do|Fr|Sa|So)\., \d+\. ")
        )
        row = page.locator("#per-source tbody tr").first
        expect(row).to_contain_text(re.compile(r"\d\.\d{3}"))
        expect(row).to_contain_text(re.compile(r"[+−]0,\d\d"))
        expect(page.locator(".heat-map tbody th").first).to_have_text("Mo")
        graph = "document.querySelector('figure:not([hidden]) .js-plotly-plot')"
        assert page.evaluate(f"{graph}.layout.separators") == ",."
        ticks = page.locator("figure:visible .xtick text")
        expect(ticks.filter(has_text=re.compile(r"^\d+\. [A-Z]"))).not_to_have_count(0)


def test_reduced_motion_turns_off_all_motion(page: Page, address: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    opened_trends(page, address, "from=now-24h&to=now&sources=library")
    moving = page.evaluate(
        """[...document.querySelectorAll("*")].filter(one => { const style = getComputedStyle(one);
        const takes = text => text.split(",").some(part => parseFloat(part) > 0);
        return takes(style.transitionDuration) && style.transitionProperty !== "none"
            || takes(style.animationDuration) && style.animationName !== "none"; })
        .map(one => one.outerHTML.slice(0, 120))"""
    )
    assert not moving


def test_a_page_loads_one_script_and_one_style_sheet(new_page: Page, address: str) -> None:
    page = new_page
    asked = list[tuple[str, str]]()
    page.on("request", lambda one: asked.append((one.resource_type, one.url[len(address) :])))
    opened_trends(page, address, "from=now-7d&to=now&sources=library")
    (sheet,) = (url for kind, url in asked if kind == "stylesheet")
    scripts = [url for kind, url in asked if kind == "script"]
    (script,) = (url for url in scripts if "dash_renderer" in url)
    scripts.remove(script)
    names = sorted(url.rpartition("/")[2].partition(".")[0] for url in scripts)
    # Preloaded, and not loaded again by the chart.
    assert names == ["plotly"], "what a chart needs"
    loaded = page.request.get(address + script)
    assert "immutable" in loaded.headers["cache-control"]
    for part in ("regeneratorRuntime", "dash_clientside", "react-dom", "dash_core_components"):
        assert part in loaded.text()
    assert "core-js" not in loaded.text(), "a polyfill"
    assert ".heat-map" in page.request.get(address + sheet).text()
    for url in (script, sheet):
        assert page.request.get(address + re.sub(r"[0-9a-f]{16}", "0" * 16, url)).status == 404


def test_a_chart_follows_the_width_of_the_window(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    opened_trends(page, address, "from=now-7d&to=now&sources=library")
    fits = """width => { const graph = document.querySelector("#charts .js-plotly-plot");
        const drawn = graph.querySelector(".main-svg").getBoundingClientRect().width;
        return drawn === graph.clientWidth && drawn < width; }"""
    for width in (900, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(fits, arg=width)
    page.set_viewport_size({"width": 1440, "height": 900})


def test_a_page_says_that_a_script_of_its_charts_is_missing(browser: Browser, address: str) -> None:
    with browser.new_context() as viewer, patient_page(viewer) as page:
        page.route("**/plotly.min.js", lambda route: route.abort())
        page.goto(f"{address}/trends?from=now-7d&to=now&sources=library")
        expect(page.locator("#charts [role=alert]")).to_contain_text("Reload the page")
        expect(page.locator("#lead")).to_contain_text("covered")


def test_a_refresh_keeps_zoom_hover_and_scroll_position(page: Page, address: str) -> None:
    opened_trends(page, address, "from=now-7d&to=now&sources=caf%C3%A9,library")
    graph = page.locator("figure:visible .js-plotly-plot").first
    axis = "document.querySelector('figure:not([hidden]) .js-plotly-plot').layout.xaxis.range"
    page.mouse.wheel(0, 260)
    page.evaluate(
        """new Promise(done => {
        const look = () => scrollY === 260 ? done() : requestAnimationFrame(look); look(); })"""
    )
    # At a bar: the generated nights have none.
    bars = graph.locator(".barlayer .point:visible")
    box = bars.nth(bars.count() // 2).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(graph.locator(".hoverlayer .legend")).to_be_attached()
    before = page.evaluate(f"[scrollY, String({axis})]")
    assert before[0] > 0
    for turn in range(4):
        graph.evaluate(
            """(one, turn) => new Promise(seen => {
            one.once("plotly_afterplot", () => requestAnimationFrame(() => setTimeout(seen)));
            dash_clientside.set_props("refresh", { n_intervals: turn }); })""",
            100 + turn,
        )
        found = page.evaluate(f"[scrollY, String({axis})]")
        assert found[0] == before[0], "the page stays where it was scrolled to"
        expect(graph.locator(".hoverlayer .legend")).to_be_attached()


FOCUSED = """(() => { const one = document.activeElement;
    const name = one.getAttribute("aria-label") || one.textContent || one.id || one.value || "";
    return [one.contains(document.getElementById("shell")), name.trim().slice(0, 40),
        getComputedStyle(one).outlineStyle !== "none"]; })()"""


def test_the_keyboard_reaches_everything_with_a_visible_focus(new_page: Page, address: str) -> None:
    page = new_page
    opened_trends(page, address, "from=now-7d&to=now&sources=caf%C3%A9,library")
    reached = []
    for _ in range(140):
        page.keyboard.press("Tab")
        is_past_the_end, name, is_focus_visible = page.evaluate(FOCUSED)
        if is_past_the_end:
            break
        reached.append((name, is_focus_visible))
    names = [name for name, _ in reached]
    assert names[0] == "Skip to the page"
    for name in ("Trends", "CSV", "Picture", "Copy link", "Hours of the week, table"):
        assert name in names, names
    assert names.count("Data table") == 2, "each chart's table"
    assert sum(name.startswith("surprise") for name in names) == 1, "the legend"
    hidden = [name for name, shown in reached if not shown and name]
    assert not hidden, f"no visible focus: {hidden}"
    page.get_by_text("Data table").locator("visible=true").first.press("Enter")
    expect(page.locator("figure:visible tbody tr").first).to_be_visible()
