"""Zones drawn in a browser on a camera's newest picture, and the outlines on Now."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from broker.bus import Bus
from broker.embedded import EmbeddedBroker
from broker.live_view import SourceView
from broker.presence import Presence
from broker.reports import SourceReport
from contracts.analysis_spec import AnalysisOptions, AnalysisSpec
from contracts.settings import Settings
from contracts.times import to_micros, utc_now
from contracts.zones.zone import Zone, ZoneKind, Zones
from records.broker_key import read_broker_key
from records.database import open_engine
from records.runs.live_runs import start_live_run
from records.schema import upgrade
from records.sources.live_sources import SourceSettings, add_source, find_source, set_zones
from runtime.decoding.opencv import cv2
from serving.backend import Backend
from tests.e2e.commands import poll
from tests.pages import quiet_page, serving

HALL = Zone(ZoneKind.INCLUDE, "hall", ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)))
DESK = Zone(ZoneKind.MASK, "desk", ((0.5, 0.5), (0.7, 0.5), (0.7, 0.7), (0.5, 0.7)))
SHELF = Zone(ZoneKind.MASK, "shelf", ((0.1, 0.1), (0.3, 0.1), (0.3, 0.2), (0.1, 0.2)))
"""A mask that no other test has: for a second or two, Now may know the zones of the test before."""


@dataclass(frozen=True)
class Site:
    """A dashboard over one camera, `door`, whose live view is renewed."""

    address: str
    engine: Engine
    sends_pictures: threading.Event
    runs: list[str] = field(default_factory=list)

    def zones(self) -> Zones:
        return find_source(self.engine, "door").zones

    def begin_with(self, *zones: Zone) -> None:
        """Change the zones, and begin a run with them, as the ingest process does."""
        set_zones(self.engine, "door", zones, None, before=self.zones())
        spec = AnalysisSpec("haar-1", "m", AnalysisOptions(0.4, None, 24, 640, zones=zones))
        source = find_source(self.engine, "door")
        run = start_live_run(self.engine, source, spec, claimant="test", lease_s=600)
        self.runs.append(run.run_id)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, broker: EmbeddedBroker) -> Iterator[Site]:
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('zones') / 'records.db'}")
    upgrade(engine)
    uri = "rtsp://camera.example/door"
    add_source(engine, "door", SourceSettings(uri, uri, None, 5.0, 640, ()))
    bus = Bus.connect(broker.url, read_broker_key(engine))
    stop = threading.Event()
    sends_pictures = threading.Event()
    sends_pictures.set()
    site = Site("", engine, sends_pictures)
    site.begin_with()

    def keep_live() -> None:
        picture = cv2.imencode(".jpg", np.full((360, 640, 3), 120, np.uint8))[1].tobytes()
        while not stop.is_set():
            report = SourceReport("door", "streaming", "", utc_now().isoformat(), "host", fps=5.0)
            Presence(bus, SourceReport).send_heartbeat(report, alive_for_s=60)
            run_id = site.runs[-1]  # Read first: a new run gets no picture once there are none.
            if sends_pictures.is_set():
                now_us = to_micros(utc_now())
                SourceView("door", run_id, now_us, 1280, 720, (), picture).publish(bus)
            stop.wait(1)

    thread = threading.Thread(target=keep_live)
    thread.start()
    with serving(Backend(engine, Settings(), broker_url=lambda: broker.url)) as address:
        poll(lambda: SourceView.newest(bus, "door") is not None)
        yield replace(site, address=address)
    stop.set()
    thread.join()
    bus.close()
    engine.dispose()


def open_editor(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/sources")
    page.get_by_role("button", name="Zones door").click()
    expect(page.locator(".zone-canvas img")).to_have_js_property("naturalWidth", 640)


def click_at(page: Page, x: float, y: float) -> None:
    box = page.locator(".zone-canvas").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".zone-editor")).to_have_count(0)


def rounded(zone: Zone) -> list[tuple[float, float]]:
    return [(round(x, 2), round(y, 2)) for x, y in zone.points]


def test_a_mask_is_drawn_by_clicks_named_and_saved(browser: Browser, site: Site) -> None:
    site.begin_with(HALL)
    with browser.new_context() as viewer, quiet_page(viewer, site.address) as page:
        open_editor(page, site)
        page.get_by_role("button", name="Draw a zone: Privacy mask").click()
        for place in ((0.2, 0.2), (0.4, 0.2), (0.45, 0.6), (0.3, 0.5)):
            click_at(page, *place)
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".zone-hint")).to_contain_text("click the first corner again")
        click_at(page, 0.2, 0.2)
        name = page.get_by_label("Name of zone 2")
        expect(name).to_have_value("mask 1")
        name.fill("desk")
        name.press("Tab")
        save(page)
        expect(page.locator(".zones-text:visible")).to_contain_text(
            "include hall; privacy mask desk"
        )
    hall, desk = site.zones()
    assert hall == HALL and (desk.kind, desk.name) == (ZoneKind.MASK, "desk")
    assert rounded(desk) == [(0.2, 0.2), (0.4, 0.2), (0.45, 0.6)]


def test_corners_are_dragged_split_removed_and_undone(browser: Browser, site: Site) -> None:
    site.begin_with(DESK)
    with browser.new_context() as viewer, quiet_page(viewer, site.address) as page:
        open_editor(page, site)
        click_at(page, 0.6, 0.6)
        corner = page.get_by_role("button", name="Corner 1 of desk")
        box, canvas = corner.bounding_box(), page.locator(".zone-canvas").bounding_box()
        assert box is not None and canvas is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(canvas["x"] + 5, canvas["y"] - 50, steps=4)
        page.mouse.up()
        expect(corner).to_have_attribute("aria-label", re.compile(r" 0\.0 % from the top"))
        page.get_by_role("button", name="Add a corner to desk, after corner 2").click()
        page.get_by_role("button", name="Corner 5 of desk").press("Delete")
        expect(page.locator(".zone-handle.corner")).to_have_count(4)
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".zone-handle.corner")).to_have_count(5)
        save(page)
    (desk,) = site.zones()
    assert rounded(desk)[1:] == [(0.7, 0.5), (0.7, 0.6), (0.7, 0.7), (0.5, 0.7)]
    assert rounded(desk)[0][1] == 0 and rounded(desk)[0][0] < 0.02


def test_the_editor_waits_for_a_picture_with_the_masks_of_now(browser: Browser, site: Site) -> None:
    site.begin_with()
    site.sends_pictures.clear()
    site.begin_with(SHELF)
    with browser.new_context() as viewer, quiet_page(viewer, site.address) as page:
        page.goto(f"{site.address}/sources")
        page.get_by_role("button", name="Zones door").click()
        expect(page.locator(".zone-canvas")).to_contain_text("No current picture.")
        site.sends_pictures.set()
        expect(page.locator(".zone-canvas img")).to_have_js_property("naturalWidth", 640)


def test_a_zone_is_made_and_moved_by_the_keyboard_alone(browser: Browser, site: Site) -> None:
    site.begin_with()
    with browser.new_context() as viewer, quiet_page(viewer, site.address) as page:
        open_editor(page, site)
        page.get_by_role("button", name="Draw a zone: Exclude").press("Enter")
        expect(page.get_by_role("button", name="Use a rectangle")).to_be_focused()
        page.keyboard.press("Enter")
        first = page.get_by_role("button", name="Corner 1 of exclude 1")
        expect(first).to_be_focused()
        page.keyboard.press("Shift+ArrowLeft")
        page.keyboard.press("ArrowDown")
        expect(first).to_be_focused()
        page.keyboard.press("Alt+Shift+ArrowUp")
        page.get_by_role("button", name="Save", exact=True).press("Enter")
        expect(page.locator(".zone-editor")).to_have_count(0)
        expect(page.get_by_role("button", name="Zones door")).to_be_focused()
    (zone,) = site.zones()
    assert zone.kind is ZoneKind.EXCLUDE
    assert rounded(zone) == [(0.25, 0.26), (0.7, 0.25), (0.7, 0.65), (0.3, 0.65)]


def test_a_zone_is_drawn_by_touch_on_a_narrow_screen(browser: Browser, site: Site) -> None:
    site.begin_with()
    screen = {"width": 390, "height": 844}
    with (
        browser.new_context(viewport=screen, has_touch=True) as viewer,  # type: ignore[arg-type]
        quiet_page(viewer, site.address) as page,
    ):
        open_editor(page, site)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_role("button", name="Draw a zone: Include").tap()
        box = page.locator(".zone-canvas").bounding_box()
        assert box is not None
        for x, y in ((0.1, 0.1), (0.8, 0.1), (0.8, 0.9)):
            page.touchscreen.tap(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.get_by_role("button", name="Finish").tap()
        save(page)
    (zone,) = site.zones()
    assert rounded(zone) == [(0.1, 0.1), (0.8, 0.1), (0.8, 0.9)]


def test_a_zone_that_is_refused_or_left_stays_as_it_was(browser: Browser, site: Site) -> None:
    site.begin_with(DESK)
    with browser.new_context() as viewer, quiet_page(viewer, site.address) as page:
        open_editor(page, site)
        page.get_by_role("button", name="Remove zone desk").click()
        site.begin_with(DESK, HALL)
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Keep drawing").click()
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Discard them").click()
        expect(page.locator(".zone-editor")).to_have_count(0)
    assert site.zones() == (DESK, HALL)


def test_now_shows_outlines_when_they_are_wanted(browser: Browser, site: Site) -> None:
    site.begin_with(HALL, DESK)
    with browser.new_context() as viewer, quiet_page(viewer, site.address) as page:
        page.goto(f"{site.address}/now")
        lines = page.locator(".tile .zone-line")
        expect(lines).to_have_count(2)
        expect(lines.first).to_be_hidden()
        page.get_by_label("Zones").check()
        expect(lines.first).to_be_visible()


def test_now_takes_a_picture_away_when_a_mask_is_added(browser: Browser, site: Site) -> None:
    """Given a source that sends no more pictures, the last one must not show what is masked now."""
    site.begin_with()
    with browser.new_context() as viewer, quiet_page(viewer, site.address) as page:
        page.goto(f"{site.address}/now")
        picture = page.locator(".tile .picture img")
        expect(picture).to_be_visible()
        site.sends_pictures.clear()
        site.begin_with(SHELF)
        expect(picture).to_be_hidden()
        expect(page.locator(".tile .picture img[src]")).to_have_count(0)
    site.sends_pictures.set()
