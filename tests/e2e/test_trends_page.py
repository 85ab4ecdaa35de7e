"""Controls, details and exports of the page Trends, in a browser over a generated month."""

import csv
import io
import os
import re
import shutil
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import cv2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from sqlalchemy import Engine, func, select, update

from contracts.settings import Settings
from contracts.times import MICROS, utc_now
from dashboard.web.backend import Backend
from records.database import open_engine, reading, transaction
from records.rollup_windows import HOUR_S
from records.tables.rollups import rollups
from records.tables.sources import Source
from tests.browser import chromium
from tests.pages import quiet_page, serving


@pytest.fixture(scope="module")
def engine(month_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("records")
    engine = open_engine(f"sqlite:///{shutil.copyfile(month_database, folder / 'records.db')}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def address(engine: Engine) -> Iterator[str]:
    with serving(Backend(engine, Settings())) as one:
        yield one


@pytest.fixture(scope="module")
def viewer() -> Iterator[BrowserContext]:
    with chromium() as browser, with_context(browser) as one:
        yield one


def with_context(browser: Browser) -> BrowserContext:
    return browser.new_context(timezone_id="UTC", accept_downloads=True)


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("MOODLINE_SHOTS") or tmp_path_factory.mktemp("shots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def page(viewer: BrowserContext, address: str) -> Iterator[Page]:
    with quiet_page(viewer, address) as one:
        yield one


def opened(page: Page, address: str, query: str) -> Page:
    page.goto(f"{address}/trends?{query}")
    expect(page.locator("figure:visible .main-svg").first).to_be_visible()
    expect(page.locator(".heat-map")).to_be_visible()
    return page


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_two_sources_have_charts_of_the_same_scale_and_a_comparison(
    page: Page, address: str
) -> None:
    opened(page, address, "from=now-7d&to=now&sources=caf%C3%A9,library")
    names = page.locator("#charts figure:visible h2")
    expect(names).to_have_text(["café (generated)", "library (generated)"])
    expect(page.locator("#notes")).to_contain_text("Generated, not measured: café and library.")
    ranges = page.evaluate(
        "[...document.querySelectorAll('figure:not([hidden]) .js-plotly-plot')]"
        ".map(one => String(one.layout.yaxis.range))"
    )
    assert len(ranges) == 2 and len(set(ranges)) == 1, "one scale for both"
    compared = page.get_by_role("region", name="Compared with the time before")
    expect(compared.locator("tbody tr")).to_have_count(8)
    expect(compared).to_contain_text(re.compile(r"[+−±]\d+ point"))


def test_a_single_expression_and_lines_are_in_the_address(page: Page, address: str) -> None:
    opened(page, address, "from=now-7d&to=now")
    page.get_by_title("Show only happy").first.click()
    expect(page.locator(".legend-link.only")).to_contain_text("happy")
    assert asked(page)["only"] == ["happy"]
    page.get_by_text("Lines", exact=True).click()
    expect(page.locator("figure:visible .subplot.xy .scatterlayer .js-line").first).to_be_attached()
    assert asked(page)["mode"] == ["lines"] and asked(page)["only"] == ["happy"]
    drawn = (
        "document.querySelector('figure:not([hidden]) .js-plotly-plot').data.map(one => one.name)"
    )
    assert page.evaluate(drawn)[0] == "happy"
    expect(page.locator("#span")).to_contain_text("same weekdays and times 1 week before")
    assert page.evaluate(drawn)[1] == "happy before"
    page.go_back()
    expect(page.locator("figure:visible .subplot.xy .scatterlayer .js-line")).to_have_count(0)


def source_list(page: Page) -> Locator:
    """Open the list of sources and return it."""
    page.get_by_role("button", name="Sources and tags").click()
    return page.get_by_role("list", name="Sources and tags")


def test_a_tag_can_be_chosen_as_its_sources(page: Page, address: str) -> None:
    opened(page, address, "from=now-24h&to=now")
    source_list(page).get_by_label("tag generated, each source").check()
    page.wait_for_url(re.compile("sources="))
    assert sorted(asked(page)["sources"][0].split(",")) == ["café", "entrance", "library"]
    expect(page.get_by_label("entrance", exact=True)).to_be_checked()


def test_sources_can_be_chosen_with_the_keyboard(page: Page, address: str) -> None:
    opened(page, address, "from=now-7d&to=now&sources=library")
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
    opened(page, address, "from=now-7d&to=now")
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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_open_list_of_sources_fits_a_narrow_page(
    page: Page, address: str, shots: Path, theme: str
) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, address, "from=now-7d&to=now&sources=library,entrance")
    source_list(page)
    page.screenshot(path=shots / f"trends-list-{theme}.png")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert not Axe().run(page, "#sources").response["violations"]


def test_a_tag_can_be_one_series_beside_sources(page: Page, address: str) -> None:
    opened(page, address, "from=now-7d&to=now&sources=library")
    source_list(page).get_by_label("tag generated, as one").check()
    names = page.locator("#charts figure:visible h2")
    tag = "tag generated (3 sources, generated)"
    expect(names).to_have_text(["library (generated)", tag])
    assert (asked(page)["sources"], asked(page)["tags"]) == (["library"], ["generated"])
    expect(page.locator("#per-source tbody th")).to_have_text(["library (generated)", tag])
    expect(page.locator("#lead")).to_contain_text("3 sources together")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    named = {(row["source"], row["tag"], row["generated"]) for row in rows}
    assert named == {("library", "", "1"), ("", "generated", "1")}
    page.go_back()
    expect(names).to_have_text(["library (generated)"])
    opened(page, address, "from=now-7d&to=now&tags=generated,attic")
    expect(names).to_have_text([tag])
    expect(page.locator("#notes")).to_contain_text("There is no tag “attic”")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("mode", ["share", "lines"])
def test_direct_labels_fit_and_do_not_overlap(
    page: Page, address: str, shots: Path, theme: str, mode: str
) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    opened(page, address, f"from=now-7d&to=now&sources=caf%C3%A9,library&mode={mode}")
    page.screenshot(path=shots / f"labels-{mode}-{theme}.png")
    for figure in page.locator("#charts figure:visible").all():
        frame = figure.locator(".main-svg").first.bounding_box()
        named = figure.locator(".annotation-text").filter(has_text="■")
        boxes = [one.bounding_box() for one in named.all()]
        assert len(boxes) >= 3 and frame
        ends = sorted(
            (one["y"], one["y"] + one["height"], one["x"], one["width"]) for one in boxes if one
        )
        assert all(x + width <= frame["x"] + frame["width"] for _, _, x, width in ends)
        assert all(above <= begin + 3 for (_, above, *_), (begin, *_) in pairwise(ends))


def test_a_moment_zooms_to_its_time(page: Page, address: str) -> None:
    opened(page, address, "from=now-7d&to=now")
    page.locator("#moment-0").click()
    page.wait_for_url(re.compile("zoom=20"))
    assert asked(page)["zoom"][0].endswith("Z") and asked(page)["from"] == ["now-7d"]
    expect(page.locator("#moment-0, .extras .soft").first).to_be_visible()


def test_an_hour_of_the_week_agrees_with_the_records(
    page: Page, address: str, engine: Engine
) -> None:
    opened(page, address, "from=now-30d&to=now&sources=library")
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
    page.get_by_label("Show", exact=True).last.select_option("happy")
    expect(cell).to_have_attribute("title", re.compile(r"Wednesday 14:00: \d+ %"))


def _is_person_time(name: str) -> bool:
    return name.endswith("_ms") and name not in {
        "analyzed_ms",
        "occupied_ms",
        "up_ms",
        "watched_ms",
    }


def test_the_csv_file_has_the_numbers_of_the_chart(
    page: Page, address: str, engine: Engine
) -> None:
    opened(page, address, "from=now-7d&to=now&sources=library")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert {(row["source"], row["generated"]) for row in rows} == {("library", "1")}
    steps = page.evaluate(
        "document.querySelector('figure:not([hidden]) .js-plotly-plot').data[0].x.length"
    )
    assert len([row for row in rows if float(row["person_s"] or 0)]) == steps
    with reading(engine) as connection:
        happy = connection.execute(
            select(func.sum(rollups.c.happy_ms))
            .join(Source, Source.id == rollups.c.source_pk)
            .where(Source.name == "library", rollups.c.width_s == HOUR_S)
            .where(rollups.c.start >= _micros(rows[0]["begin"]))
        ).scalar_one()
    assert sum(float(row["happy_s"] or 0) for row in rows) == pytest.approx(int(happy) / 1000)


def _micros(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * MICROS


def test_the_link_is_absolute(page: Page, address: str, viewer: BrowserContext) -> None:
    viewer.grant_permissions(["clipboard-read", "clipboard-write"])
    opened(page, address, "from=now-7d&to=now&sources=library")
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#trends-tools")).to_contain_text("Link copied")
    copied = parse_qs(urlsplit(page.evaluate("navigator.clipboard.readText()")).query)
    assert copied["from"][0].endswith("Z") and copied["to"][0].endswith("Z")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_saved_picture_has_title_and_legend(
    page: Page, address: str, shots: Path, theme: str
) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    opened(page, address, "from=now-7d&to=now&sources=caf%C3%A9")
    with page.expect_download() as download:
        page.get_by_role("button", name="Picture").click()
    assert download.value.suggested_filename == "moodline-café-generated.png"
    shutil.copy(download.value.path(), shots / f"picture-{theme}.png")
    png = cv2.imread(str(shots / f"picture-{theme}.png"), cv2.IMREAD_UNCHANGED)
    assert png is not None and (png.shape[2] == 3 or png[..., 3].min() == 255), "opaque"
    assert (png[4, 4, :3].mean() < 60) == (theme == "dark")
    page.evaluate("Plotly.downloadImage = figure => { window.given = figure; }")
    page.get_by_role("button", name="Picture").click()
    given = page.evaluate("window.given")
    title = given["layout"]["title"]["text"]
    assert title.startswith("café (generated)<br>") and "in steps of 1 h" in title
    assert given["layout"]["showlegend"] and [
        one["name"] for one in given["data"] if one["showlegend"]
    ]
    live = "document.querySelector('figure:not([hidden]) .js-plotly-plot').layout"
    assert not page.evaluate(f"{live}.showlegend"), "the page's own chart stays as it was"


def test_generated_history_is_marked_everywhere(page: Page, address: str) -> None:
    opened(page, address, "from=now-7d&to=now")
    expect(page.locator("#lead")).to_contain_text(
        "3 sources together (all generated, not measured)"
    )
    expect(page.locator("#moment-0")).to_contain_text(re.compile(r"\(generated\): \w+"))
    expect(page.locator("#per-source tbody tr").first).to_contain_text("(generated)")


def test_a_source_name_in_the_csv_file_is_not_a_formula(
    month_database: Path, tmp_path: Path
) -> None:
    engine = open_engine(f"sqlite:///{shutil.copyfile(month_database, tmp_path / 'records.db')}")
    with transaction(engine) as connection:
        connection.execute(update(Source).where(Source.name == "library").values(name="=1+1"))
    with (
        serving(Backend(engine, Settings())) as address,
        urllib.request.urlopen(f"{address}/api/trends/csv?from=now-24h", timeout=30) as answer,
    ):
        text = answer.read().decode()
    assert "'=1+1," in text and "\n=1+1" not in text
    engine.dispose()


def test_dates_and_numbers_follow_the_browser_language(
    viewer: BrowserContext, address: str
) -> None:
    browser = viewer.browser
    assert browser is not None
    with (
        browser.new_context(locale="de-DE", timezone_id="Europe/Berlin") as german,
        quiet_page(german, address) as page,
    ):
        opened(page, address, "from=now-7d&to=now&sources=library")
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
    opened(page, address, "from=now-24h&to=now")
    moving = page.evaluate(
        """[...document.querySelectorAll("*")].filter(one => { const style = getComputedStyle(one);
        const takes = text => text.split(",").some(part => parseFloat(part) > 0);
        return takes(style.transitionDuration) && style.transitionProperty !== "none"
            || takes(style.animationDuration) && style.animationName !== "none"; })
        .map(one => one.outerHTML.slice(0, 120))"""
    )
    assert not moving


def test_a_page_loads_one_script_and_one_style_sheet(page: Page, address: str) -> None:
    asked = list[tuple[str, str]]()
    page.on("request", lambda one: asked.append((one.resource_type, one.url[len(address) :])))
    opened(page, address, "from=now-7d&to=now")
    (sheet,) = (url for kind, url in asked if kind == "stylesheet")
    scripts = [url for kind, url in asked if kind == "script"]
    (script,) = (url for url in scripts if "dash_renderer" in url)
    scripts.remove(script)
    names = sorted(url.rpartition("/")[2].partition(".")[0] for url in scripts)
    # Preloaded, and not loaded again by the chart.
    assert names == ["async-graph", "plotly"], "what a chart needs"
    loaded = page.request.get(address + script)
    assert "immutable" in loaded.headers["cache-control"]
    for part in ("regeneratorRuntime", "dash_clientside", "react-dom", "dash_core_components"):
        assert part in loaded.text()
    assert "core-js" not in loaded.text(), "a polyfill"
    assert ".heat-map" in page.request.get(address + sheet).text()
    for url in (script, sheet):
        assert page.request.get(address + re.sub(r"[0-9a-f]{16}", "0" * 16, url)).status == 404


def test_a_refresh_keeps_zoom_hover_and_scroll_position(page: Page, address: str) -> None:
    opened(page, address, "from=now-7d&to=now&sources=caf%C3%A9,library")
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


def test_the_keyboard_reaches_everything_with_a_visible_focus(page: Page, address: str) -> None:
    opened(page, address, "from=now-7d&to=now&sources=caf%C3%A9,library")
    reached = []
    for _ in range(80):
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
