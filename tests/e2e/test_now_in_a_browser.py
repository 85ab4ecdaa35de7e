"""The page Now in a browser, over records that the test writes: how many look, and who is gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect
from sqlalchemy import Engine

from contracts.settings import Settings
from dashboard.now.hub import Hub
from dashboard.now.reader import Reader
from dashboard.web.backend import Backend
from records.database import open_engine, upgrade
from records.sources.live_sources import SourceSettings, add_source
from tests.browser import chromium
from tests.e2e.commands import poll
from tests.pages import quiet_page, serving


@pytest.fixture(scope="module")
def viewer() -> Iterator[BrowserContext]:
    with chromium() as browser, browser.new_context() as one:
        yield one


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def hubs(monkeypatch: pytest.MonkeyPatch) -> list[Hub]:
    """The hub that the dashboard makes, once it did."""
    made: list[Hub] = []

    def make(reader: Reader) -> Hub:
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


def test_of_two_tabs_one_is_closed_and_the_other_lives_on(
    viewer: BrowserContext, address: str, engine: Engine, hubs: list[Hub]
) -> None:
    (hub,) = hubs
    with quiet_page(viewer, address) as first:
        with quiet_page(viewer, address) as second:
            for page in (first, second):
                page.goto(f"{address}/now")
                expect(page.locator("#now-summary")).to_have_text("No live source yet.")
            poll(lambda: hub.viewers == 2)
            camera(engine, "door")
            for page in (first, second):
                expect(page.get_by_role("article", name="door")).to_be_visible()
        poll(lambda: hub.viewers == 1)
        camera(engine, "yard")
        expect(first.get_by_role("article", name="yard")).to_be_visible()
        expect(first.locator("#now-link")).to_be_empty()
        task = hub._task
        assert task is not None and not task.done()
    poll(lambda: hub.viewers == 0 and task.done())


def test_a_full_now_is_said_and_there_is_room_again_when_somebody_leaves(
    viewer: BrowserContext,
    address: str,
    engine: Engine,
    hubs: list[Hub],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dashboard.now.hub.MOST_VIEWERS", 1)
    camera(engine, "door")
    with viewer.new_page() as late:
        late.set_default_timeout(60_000)
        with quiet_page(viewer, address) as first:
            first.goto(f"{address}/now")
            expect(first.get_by_role("article", name="door")).to_be_visible()
            late.goto(f"{address}/now")
            full = "1 pages show the live sources already"
            expect(late.locator("#now-link")).to_contain_text(full)
            expect(first.locator("#now-link")).to_be_empty()
            assert hubs[0].viewers == 1
        expect(late.get_by_role("article", name="door")).to_be_visible()
        expect(late.locator("#now-link")).to_be_empty()
