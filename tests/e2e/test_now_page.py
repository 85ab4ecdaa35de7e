"""The page Now in a browser, over records that the test writes: its viewers, and ended tracks."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import Engine

from contracts.expressions import EXPRESSIONS
from contracts.settings import Settings
from dashboard.now.hub import Hub
from records.database import open_engine
from records.schema import upgrade
from records.sources.live_sources import SourceSettings, add_source
from serving.backend import Backend
from serving.live_reader import LiveReader
from tests.e2e.commands import poll
from tests.pages import patient_page, quiet_page, serving


@pytest.fixture(scope="module")
def viewer(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context() as one:
        yield one


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def hubs(monkeypatch: pytest.MonkeyPatch) -> list[Hub]:
    """The hub of the dashboard, once it is created."""
    made: list[Hub] = []

    def make(reader: LiveReader) -> Hub:
        made.append(Hub(reader))
        return made[-1]

    monkeypatch.setattr("dashboard.now.routes.Hub", make)
    return made


@pytest.fixture
def address(engine: Engine, hubs: list[Hub]) -> Iterator[str]:
    with serving(Backend(engine, Settings())) as one:
        yield one


def camera(engine: Engine, name: str) -> None:
    add_source(engine, name, SourceSettings(f"rtsp://{name}/", "", None, None, None))


def test_closing_one_of_two_tabs_does_not_affect_the_other(
    viewer: BrowserContext, address: str, engine: Engine, hubs: list[Hub]
) -> None:
    (hub,) = hubs
    with quiet_page(viewer, address) as first:
        with quiet_page(viewer, address) as second:
            for page in (first, second):
                page.goto(f"{address}/now")
                expect(page.locator("#now-summary")).to_have_text("No live source yet.")
            poll(lambda: hub.viewers == 1)  # They share one stream.
            camera(engine, "door")
            for page in (first, second):
                expect(page.get_by_role("article", name="door")).to_be_visible()
        camera(engine, "yard")
        expect(first.get_by_role("article", name="yard")).to_be_visible()
        expect(first.locator("#now-link")).to_be_empty()
        task = hub._task
        assert task is not None and not task.done()
    poll(lambda: hub.viewers == 0 and task.done())


def test_a_page_over_the_limit_waits_until_another_is_closed(
    viewer: BrowserContext,
    address: str,
    engine: Engine,
    hubs: list[Hub],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dashboard.now.hub.MAX_VIEWERS", 1)
    camera(engine, "door")
    browser = viewer.browser
    assert browser is not None
    with browser.new_context() as other, patient_page(other) as late:
        with quiet_page(viewer, address) as first:
            first.goto(f"{address}/now")
            expect(first.get_by_role("article", name="door")).to_be_visible()
            late.goto(f"{address}/now")
            full = "Now is open on 1 pages, which is the limit"
            expect(late.locator("#now-link")).to_contain_text(full)
            expect(first.locator("#now-link")).to_be_empty()
            assert hubs[0].viewers == 1
        expect(late.get_by_role("article", name="door")).to_be_visible()
        expect(late.locator("#now-link")).to_be_empty()


def test_eight_visible_pages_share_one_stream_and_leave_connections_for_others(
    viewer: BrowserContext, address: str, engine: Engine, hubs: list[Hub]
) -> None:
    camera(engine, "door")
    with ExitStack() as stack:
        pages = [stack.enter_context(quiet_page(viewer, address)) for _ in range(8)]
        for page in pages:
            page.goto(f"{address}/now")
            expect(page.get_by_role("article", name="door")).to_be_visible()
        poll(lambda: hubs[0].viewers == 1)
        camera(engine, "yard")
        for page in pages:
            expect(page.get_by_role("article", name="yard")).to_be_visible()
        pages[0].goto(f"{address}/sources")
        expect(pages[0].get_by_role("heading", name="Sources")).to_be_visible()
        expect(pages[1].locator("#now-link")).to_be_empty()
    poll(lambda: hubs[0].viewers == 0)


def test_without_shared_workers_a_page_has_a_stream_of_its_own(
    viewer: BrowserContext, address: str, engine: Engine, hubs: list[Hub]
) -> None:
    camera(engine, "door")
    with quiet_page(viewer, address) as page:
        page.add_init_script("delete window.SharedWorker")
        page.goto(f"{address}/now")
        expect(page.get_by_role("article", name="door")).to_be_visible()
        poll(lambda: hubs[0].viewers == 1)


SHARES = dict.fromkeys(EXPRESSIONS, 0.05) | {"happy": 0.7}
EVENT_SOURCE = """delete window.SharedWorker;
window.EventSource = class extends EventTarget {
  constructor() { super(); window.nowEvents = this; }
  close() {}
}"""


@pytest.fixture
def events(viewer: BrowserContext, address: str) -> Iterator[Callable[[str, object], Page]]:
    """The page Now, and a function that sends it an event as the server would."""
    with quiet_page(viewer, address) as page:
        page.add_init_script(EVENT_SOURCE)
        page.goto(f"{address}/now")
        expect(page.locator("#now-summary")).to_be_visible()

        def send(kind: str, data: object) -> Page:
            page.evaluate(
                """([kind, data]) => window.nowEvents.dispatchEvent(
                new MessageEvent(kind, { data: JSON.stringify(data) }))""",
                [kind, data],
            )
            return page

        send("all", {"names": ["door"], "trouble": ""})
        yield send


def tile(*tracks: int) -> dict[str, object]:
    """The state of a live source with these tracks in view."""
    readings = [
        {"track": track, "label": "happy", "confidence": 0.7, "shares": SHARES} for track in tracks
    ]
    facts = {"state": "streaming", "reason": "", "since": None, "tags": [], "uri": "rtsp://door/"}
    return {"name": "door", **facts, "fps": 5, "behind_s": 0.2, "captured_at": 0} | {
        "zones": [],
        "stills": 0,
        "readings": readings,
    }


def test_opened_bars_of_an_ended_track_stay_until_the_focus_leaves(
    events: Callable[[str, object], Page],
) -> None:
    page = events("tile", tile(1, 2))
    second = page.get_by_role("button", name="Track 2")
    second.click()
    expect(page.locator(".seven .bar")).to_have_count(7)
    expect(second).to_be_focused()
    for tracks in ((1,), (3, 1), ()):
        events("tile", tile(*tracks))
        expect(second).to_be_focused()
        expect(second).to_contain_text("ended")
        expect(page.locator(".ended .seven .bar")).to_have_count(7)
        expect(page.get_by_role("button", name="Track")).to_have_count(len(tracks) + 1)
    expect(page.locator(".rows")).to_contain_text("No face in view.")
    events("tile", tile(2))
    expect(second).to_contain_text("70 %")
    expect(page.locator(".ended")).to_have_count(0)
    events("tile", tile(4))
    page.keyboard.press("Shift+Tab")
    expect(second).to_have_count(0)
    expect(page.get_by_role("button", name="Track 4")).to_be_focused()


@pytest.mark.parametrize("tracks", [(1, 2), (2, 1), (2,)])
def test_a_press_on_a_row_counts_whatever_arrives_meanwhile(
    events: Callable[[str, object], Page], tracks: tuple[int, ...]
) -> None:
    """A press takes a tenth of a second, and a row is drawn again a few times a second."""
    page = events("tile", tile(1, 2))
    second = page.get_by_role("button", name="Track 2")
    second.hover()
    page.mouse.down()
    events("tile", tile(*tracks))
    page.mouse.up()
    expect(second).to_have_attribute("aria-expanded", "true")


def test_opened_bars_of_an_ended_track_can_be_closed(
    events: Callable[[str, object], Page],
) -> None:
    page = events("tile", tile(1, 2, 3, 4, 5))
    page.get_by_role("button", name="2 more").click()
    fifth = page.get_by_role("button", name="Track 5")
    fifth.click()
    page.get_by_role("button", name="Fewer").click()
    expect(fifth).to_be_visible()
    expect(page.get_by_role("button", name="Track 4")).to_have_count(0)
    events("tile", tile(1, 2))
    expect(fifth).to_contain_text("ended")
    fifth.press("Enter")
    expect(page.locator(".seven .bar")).to_have_count(0)
    expect(fifth).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(fifth).to_have_count(0)
    expect(page.get_by_role("button", name="Track 2")).to_be_focused()
