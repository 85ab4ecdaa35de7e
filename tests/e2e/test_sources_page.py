"""The page Sources in a browser, over records that change while it is open."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import Engine, insert, select

from broker.bus import Bus
from broker.embedded import EmbeddedBroker
from broker.presence import Presence
from broker.reports import SourceReport
from contracts.settings import Settings
from contracts.times import utc_now
from records.broker_key import read_broker_key
from records.database import open_engine
from records.schema import upgrade
from records.sources.live_sources import SourceSettings, add_source, remove_source
from records.tables.sources import Source, SourceInterval
from serving.backend import Backend
from tests.pages import patient_page, quiet_page, serving

REFRESH_MS = 5000
"""The time between two requests of the page."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Two cameras. A day ago, one of them was disconnected forty times."""
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    for name in ("door", "hall"):
        uri = f"rtsp://camera.example/{name}"
        add_source(engine, name, SourceSettings(uri, uri, None, 5.0, 640, ()))
    begin = utc_now() - timedelta(hours=24, minutes=5)
    with engine.begin() as connection:
        door = connection.execute(select(Source.id).where(Source.name == "door")).scalar_one()
        for turn in range(40):
            since = begin + timedelta(minutes=10 * turn)
            values = {"state": "streaming", "since": since, "until": since + timedelta(minutes=9)}
            connection.execute(insert(SourceInterval).values(source_pk=door, reason="", **values))
    yield engine
    engine.dispose()


@pytest.fixture
def address(engine: Engine, broker: EmbeddedBroker) -> Iterator[str]:
    with serving(Backend(engine, Settings(), broker_url=lambda: broker.url)) as one:
        yield one


def send_state(broker: EmbeddedBroker, engine: Engine, state: str, reason: str = "") -> None:
    """Send the heartbeat of a supervisor with a state of the source `door`."""
    bus = Bus.connect(broker.url, read_broker_key(engine))
    report = SourceReport("door", state, reason, utc_now().isoformat(), "host")
    Presence(bus, SourceReport).send_heartbeat(report, alive_for_s=600)
    bus.close()


def refresh(page: Page) -> None:
    """Let the page's time pass until it asks for the sources again, and has the answer."""
    with page.expect_response("**/api/sources/list"):
        page.clock.fast_forward(REFRESH_MS)


def test_rows_are_updated_in_place(
    browser: Browser, engine: Engine, broker: EmbeddedBroker, address: str
) -> None:
    send_state(broker, engine, "streaming")
    with browser.new_context() as viewer, quiet_page(viewer, address) as page:
        page.clock.install()
        page.goto(f"{address}/sources")
        door = page.get_by_role("region", name="door", exact=True)
        door.get_by_text("Last 24 hours, and").click()
        expect(door.locator("tbody tr")).not_to_have_count(0)
        table = door.locator(".scroll")
        table.evaluate("node => { node.mine = true; node.scrollTop = 120; node.focus(); }")
        assert table.evaluate("node => node.scrollTop") == 120
        for _ in range(2):
            refresh(page)
        send_state(broker, engine, "paused", "by its owner")
        refresh(page)
        expect(door.locator(".source-state").first).to_contain_text("Paused")
        expect(door.get_by_role("button", name="Resume door")).to_be_visible()
        expect(table).to_be_focused()
        assert table.evaluate("node => [node.mine, node.scrollTop]") == [True, 120]
        expect(door.locator(".why")).to_have_text("by its owner")
        door.get_by_role("button", name="Resume door").click()
        send_state(broker, engine, "streaming")
        refresh(page)
        expect(door.get_by_role("button", name="Pause door")).to_be_focused()
        remove_source(engine, "hall")
        refresh(page)
        expect(page.locator(".source")).to_have_count(1)
        remove_source(engine, "door")
        refresh(page)
        expect(page.locator(".empty")).to_contain_text("No live source yet.")


_DOT = "R0lGODlhAQABAAAAACwAAAAAAQABAAA="
"""A picture of one pixel."""


def test_a_source_is_turned_in_its_form_and_tested_as_it_is_turned(
    browser: Browser, engine: Engine, address: str
) -> None:
    with browser.new_context() as viewer, quiet_page(viewer, address) as page:
        sent: list[tuple[str, dict[str, object]]] = []

        def answer(route: Route) -> None:
            sent.append((route.request.url.rpartition("/")[2], route.request.post_data_json))
            route.fulfill(json={"name": "door", "picture": _DOT, "first_picture_s": 0.1})

        page.route("**/api/sources/edit", answer)
        page.route("**/api/sources/test", answer)
        page.goto(f"{address}/sources")
        page.get_by_role("button", name="Edit door").click()
        page.get_by_label("Picture").select_option("270")
        page.get_by_label("Mirrored left to right").check()
        page.get_by_role("button", name="Test").click()
        expect(page.get_by_text("First frame")).to_be_visible()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("door was saved")).to_be_visible()
    assert [where for where, _ in sent] == ["test", "edit"]
    for _, entered in sent:
        assert (entered["rotate"], entered["mirror"], entered["name"]) == (270, True, "door")


def test_a_camera_of_a_brand_is_allowed_tested_and_then_added(
    browser: Browser, engine: Engine, address: str
) -> None:
    with browser.new_context() as viewer, patient_page(viewer) as page:
        sent: list[tuple[str, dict[str, object]]] = []

        def answer(route: Route) -> None:
            action = route.request.url.rpartition("/")[2]
            sent.append((action, route.request.post_data_json))
            if len(sent) == 1:
                route.fulfill(status=400, json={"error": "refused", "allow": "127.0.0.1:8554"})
            elif action == "test" and len(sent) == 3:
                route.fulfill(status=400, json={"error": "no video at this path"})
            else:
                found = {"codec": "hevc", "width": 3840, "height": 2160}
                route.fulfill(json={"name": "gate", "picture": _DOT} | found)

        for action in ("test", "allow", "add"):
            page.route(f"**/api/sources/{action}", answer)
        page.goto(f"{address}/sources?add=camera")
        page.get_by_label("Name", exact=True).fill("gate")
        page.get_by_label("Brand").select_option("Hikvision")
        page.get_by_label("Address").fill("127.0.0.1:8554")
        page.get_by_label("User").fill("me")
        page.get_by_label("Password").fill("p/w")
        page.get_by_role("button", name="Test and add").click()
        page.get_by_role("button", name="Allow 127.0.0.1:8554 and go on").click()
        expect(page.get_by_role("alert").filter(has_text="no video at this path")).to_be_visible()
        expect(page.get_by_role("button", name="Add it without a test")).to_be_visible()
        page.get_by_label("Stream").select_option("main")
        page.get_by_role("button", name="Test", exact=True).click()
        expect(page.get_by_text("substream is often enough")).to_be_visible()
        expect(page.get_by_text("takes more time to decode than H.264")).to_be_visible()
        expect(page.get_by_role("button", name="Add it without a test")).to_have_count(0)
        page.get_by_role("button", name="Test and add").click()
        expect(page.get_by_text("gate was added and delivers pictures")).to_be_visible()
    assert [action for action, _ in sent] == ["test", "allow", "test", "test", "test", "add"]
    assert sent[2][1]["uri"] == "rtsp://127.0.0.1:8554/Streaming/Channels/102"
    entered = sent[-1][1]
    assert entered["uri"] == "rtsp://127.0.0.1:8554/Streaming/Channels/101"
    assert (entered["user"], entered["password"]) == ("me", "p/w")
