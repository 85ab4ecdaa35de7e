"""From whatever is shown to its source, its time or its recording; and the keyboard shortcuts."""

import random
import re
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import Engine, update

from analytics.health.verdict import Kind, Level, Problem, Remedy, Verdict
from analytics.history.rollups import roll_up_all
from contracts.live_sources import LiveState
from contracts.runs import RunKind
from contracts.settings import Settings
from contracts.times import utc_now
from records.database import open_engine
from records.sources.intervals import StateInterval, write_intervals
from records.sources.live_sources import find_source
from records.tables.runs import Run
from records.tables.sources import Source
from serving.backend import Backend
from tests.history import at_us, write_history_run
from tests.pages import patient_page, quiet_page, serving

DOOR = "front door"
PARTY = "2026/party.mp4"
PROBLEM = Problem(
    Kind.SOURCE_OFFLINE,
    Level.DEGRADED,
    DOOR,
    f"{DOOR} is offline.",
    None,
    Remedy(f"moodline source test '{DOOR}'", "sources/front%20door", "Open the source"),
)


@pytest.fixture(scope="module")
def engine(month_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The generated month, a camera that was added an hour ago, and a recording."""
    path = shutil.copyfile(month_database, tmp_path_factory.mktemp("records") / "records.db")
    engine = open_engine(f"sqlite:///{path}")
    # A whole minute: in a second of one, perhaps nobody would be seen.
    added = utc_now().replace(second=0, microsecond=0) - timedelta(hours=1)
    chance = random.Random(5)
    write_history_run(engine, DOOR, at_us(added), 900, chance, step_ms=2000, batch=300)
    month_ago = utc_now() - timedelta(days=20)
    write_history_run(engine, PARTY, at_us(month_ago), 120, chance, step_ms=1000, batch=120)
    with engine.begin() as connection:
        connection.execute(
            update(Source)
            .where(Source.name == DOOR)
            .values(kind=RunKind.LIVE, created_at=added, uri="rtsp://a/b", shown_uri="rtsp://a/b")
        )
        source = Source.__table__.alias()
        of_door = Run.source_pk.in_(
            source.select().with_only_columns(source.c.id).where(source.c.name == DOOR)
        )
        connection.execute(update(Run).where(of_door).values(kind=RunKind.LIVE, started_at=added))
    roll_up_all(engine)
    pk = find_source(engine, DOOR).pk
    half = added + timedelta(minutes=30)
    offline = "no answer from a:554"
    states = [
        StateInterval(pk, LiveState.STREAMING, "", added, half),
        StateInterval(pk, LiveState.BACKING_OFF, offline, half, utc_now()),
    ]
    write_intervals(engine, states)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def address(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    def health() -> Verdict:
        return Verdict.of([PROBLEM], (), utc_now())

    home = tmp_path_factory.mktemp("home")
    with serving(Backend(engine, Settings(home=home), health=health)) as one:
        yield one


@pytest.fixture(scope="module")
def viewer(browser: Browser) -> Iterator[BrowserContext]:
    """A viewer for whom it is about noon: an hour ago was today."""
    ahead = 12 - utc_now().hour
    with browser.new_context(timezone_id=f"Etc/GMT{-ahead:+d}" if ahead else "UTC") as one:
        yield one


@pytest.fixture
def page(viewer: BrowserContext, address: str) -> Iterator[Page]:
    with quiet_page(viewer, address) as one:
        yield one


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def span(page: Page) -> timedelta:
    begin, end = (datetime.fromisoformat(asked(page)[key][0]) for key in ("from", "to"))
    return end - begin


def test_a_tile_leads_to_its_source_and_back_without_a_reload(page: Page, address: str) -> None:
    page.goto(f"{address}/now")
    page.evaluate("window.isSameDocument = true")
    page.get_by_role("article", name=DOOR).get_by_role("link", name=DOOR).click()
    page.wait_for_url("**/sources/front%20door")
    expect(page.locator("h1")).to_have_text(DOOR)
    expect(page.get_by_role("region", name="Settings and zones")).to_contain_text("rtsp://a/b")
    expect(page).to_have_title(re.compile(f"{DOOR} · moodline$"))
    page.get_by_role("link", name="All sources").click()
    expect(page.locator("h1")).to_have_text("Sources")
    page.get_by_role("link", name=DOOR, exact=True).click()
    expect(page.get_by_role("region", name="Today")).to_be_visible()
    page.get_by_role("link", name="Sources", exact=True).click()
    expect(page.get_by_role("button", name="Add a source")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("region", name="Today")).to_be_visible()
    assert page.evaluate("window.isSameDocument")


def test_the_page_of_a_camera_says_how_it_is(page: Page, address: str) -> None:
    page.goto(f"{address}/sources/front%20door")
    expect(page.locator("#sources-page .lead")).to_contain_text("covered")
    today = page.get_by_role("region", name="Today")
    bars = today.get_by_role("link")
    expect(bars.first).to_have_attribute(
        "title", re.compile(r"\d\d:\d\d–\d\d:\d\d: (\w+ \d+ % of .+, valence [+−]\d.\d\d, |not an)")
    )
    assert 55 <= bars.count() <= 75, "minutes, as the camera is an hour old"
    days = page.get_by_role("region", name="Seven days").get_by_role("link")
    expect(days).to_have_count(7)
    expect(days.first).to_have_attribute("title", re.compile("nothing expected"))
    health = page.get_by_role("region", name="Health")
    expect(health).to_contain_text(f"{DOOR} is offline.")
    expect(health.locator("code")).to_have_text(f"moodline source test '{DOOR}'")
    expect(health).to_contain_text(re.compile(r"Live (4\d|50)(\.\d)? % of .+ the last seven days"))
    health.get_by_text("States of the last seven days").click()
    expect(health.get_by_role("table")).to_contain_text("no answer from a:554")
    expect(page.get_by_role("region", name="Runs, table").locator("tbody tr")).to_have_count(1)


def test_a_bar_leads_to_its_time_by_click_and_by_keys(page: Page, address: str) -> None:
    page.goto(f"{address}/sources/front%20door")
    bars = page.get_by_role("region", name="Today").get_by_role("link")
    bars.nth(10).click()
    page.wait_for_url("**/trends?*")
    assert asked(page)["sources"] == [DOOR] and span(page) == timedelta(minutes=1)
    expect(page.locator("figure:visible h2")).to_have_text([DOOR])
    page.go_back()
    bars.first.focus()
    for key, at in (("ArrowRight", 1), ("End", -1), ("ArrowLeft", -2), ("Home", 0)):
        page.keyboard.press(key)
        expect(bars.nth(at)).to_be_focused()
    assert page.evaluate("document.querySelectorAll('.time-bar[tabindex=\"0\"]').length") == 2
    page.keyboard.press("Enter")
    page.wait_for_url("**/trends?*")
    assert span(page) == timedelta(minutes=1)
    page.locator("figure:visible h2").get_by_role("link", name=DOOR).click()
    expect(page.get_by_role("region", name="Today")).to_be_visible()


def test_the_page_of_a_recording_leads_to_its_player(page: Page, address: str) -> None:
    page.goto(f"{address}/sources/2026%2Fparty.mp4")
    expect(page.locator("h1")).to_have_text(PARTY)
    expect(page.locator("#sources-page .lead")).to_contain_text(re.compile("^Mostly .* in view"))
    expect(page.get_by_role("region", name="Health")).to_have_count(0)
    page.get_by_role("region", name="Recordings, table").get_by_role("link").click()
    page.wait_for_url("**/recordings/*")
    page.locator("h2.run-name").get_by_role("link", name=PARTY).click()
    page.wait_for_url("**/sources/2026%2Fparty.mp4")


def test_a_source_is_paused_on_its_page_and_one_that_is_not_there_is_an_error(
    viewer: BrowserContext, address: str, engine: Engine
) -> None:
    with patient_page(viewer) as page:
        page.goto(f"{address}/sources/front%20door")
        page.get_by_role("button", name=f"Pause {DOOR}").click()
        expect(page.get_by_text(f"{DOOR} was paused.")).to_be_visible()
        expect(page.locator(".source-state-line")).to_contain_text("Paused")
        page.get_by_role("button", name=f"Resume {DOOR}").click()
        expect(page.get_by_text(f"{DOOR} was resumed.")).to_be_visible()
        assert not find_source(engine, DOOR).paused
        page.goto(f"{address}/sources/nobody")
        expect(page.get_by_role("alert").filter(has_text="no source 'nobody'")).to_be_visible()
        page.get_by_role("link", name="All sources").click()
        expect(page.get_by_role("link", name=DOOR, exact=True)).to_be_visible()


def test_rankings_moments_and_hours_lead_to_what_they_are_about(page: Page, address: str) -> None:
    page.goto(f"{address}/trends?from=now-7d&to=now")
    ranking = page.get_by_role("region", name="Sources, ranked")
    moment = page.locator("#moment-0")
    expect(moment).to_be_visible()
    text = moment.locator("span").last.inner_text().splitlines()[-1]
    source = text.split(": ")[0].removesuffix(" (generated)")
    hours = page.locator("td.heat:not(.missing)")
    of_the_week = hours.count()
    moment.click()
    page.wait_for_url(re.compile("zoom=20"))
    assert asked(page)["sources"] == [source]
    page.go_back()
    expect(hours).to_have_count(of_the_week)
    grid = page.get_by_role("grid", name="Hours of the week")
    cell = grid.locator("td.heat[tabindex='0']")
    expect(cell).to_have_count(1)
    cell.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("zoom=20"))
    begin, end = (datetime.fromisoformat(one) for one in asked(page)["zoom"][0].split("/"))
    assert end - begin == timedelta(hours=1)
    page.go_back()
    ranking.get_by_role("button", name="Only this: library").click()
    expect(page.locator("#charts figure:visible h2")).to_have_text(["library (generated)"])
    ranking.get_by_role("link", name="library").click()
    page.wait_for_url("**/sources/library")
    expect(page.locator(".source-state-line")).to_contain_text("Generated, not measured")


def test_a_new_answer_keeps_the_focus_on_an_hour_of_the_week(page: Page, address: str) -> None:
    page.goto(f"{address}/trends?from=now-1h&to=now")
    grid = page.get_by_role("grid", name="Hours of the week")
    grid.locator("td.heat[tabindex='0']").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowUp")
    focused = page.locator("td.heat.missing:focus")
    place = focused.get_attribute("data-key")
    grid.evaluate("node => { node.dataset.old = 'yes'; }")
    page.evaluate("dispatchEvent(new CustomEvent('moodline-view', {}))")
    expect(page.locator(".heat-map[data-old]")).to_have_count(0)
    expect(focused).to_have_attribute("data-key", str(place))
    expect(grid.locator("[tabindex='0']")).to_have_attribute("data-key", str(place))


def test_two_keys_go_to_a_page_and_a_slash_to_its_search(page: Page, address: str) -> None:
    page.goto(f"{address}/now")
    expect(page.get_by_role("article", name=DOOR)).to_be_visible()
    for key, name in (("t", "Trends"), ("s", "Sources"), ("r", "Recordings")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.locator("h1")).to_have_text(name)
    search = page.locator("#recording-search")
    expect(search).to_be_visible()
    page.keyboard.press("/")
    expect(search).to_be_focused()
    page.keyboard.type("g n ?")
    expect(search).to_have_value("g n ?")
    expect(page.locator("h1")).to_have_text("Recordings")
    page.locator("body").click(position={"x": 5, "y": 500})
    page.keyboard.press("g")
    page.keyboard.press("x")  # No page.
    page.keyboard.press("t")
    expect(page.locator("h1")).to_have_text("Recordings")


def test_shortcuts_are_listed_under_a_question_mark_and_can_be_switched_off(
    page: Page, address: str
) -> None:
    page.goto(f"{address}/sources")
    expect(page.get_by_role("link", name=DOOR, exact=True)).to_be_visible()
    page.keyboard.press("?")
    listed = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(listed).to_contain_text("go to Recordings")
    expect(listed).to_contain_text("previous and next frame")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.keyboard.press("g")
    page.keyboard.press("n")
    listed.get_by_label("Keys of one character are shortcuts").uncheck()
    page.keyboard.press("Escape")
    expect(listed).to_have_count(0)
    for key in ("g", "n", "?"):
        page.keyboard.press(key)
    expect(listed).to_have_count(0)
    expect(page.locator("h1")).to_have_text("Sources")
    page.reload()
    button = page.get_by_role("button", name="Keyboard shortcuts")
    button.click()
    listed.get_by_label("Keys of one character are shortcuts").check()
    listed.get_by_role("button", name="Close").click()
    expect(button).to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("n")
    expect(page.locator("h1")).to_have_text("Now")


@pytest.mark.parametrize("width", [390, pytest.param(1440, marks=pytest.mark.slow)])
def test_the_page_of_a_source_has_no_accessibility_violation(
    page: Page, address: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/sources/front%20door")
    expect(page.get_by_role("region", name="Seven days")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
