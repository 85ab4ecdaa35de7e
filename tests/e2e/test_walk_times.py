"""How long users wait, on a machine that does nothing else: in the slow lane, which runs alone.

Each walk has a test without times of its own, which runs with all others. That of a dead worker is
in test_health.py.
"""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from contracts.settings import Settings
from moodline.adapters.recording_files import uploads_of
from moodline.adapters.recordings import RecordingLibrary
from records.database import open_engine
from records.schema import upgrade
from serving.backend import Backend
from tests.e2e.commands import Installation
from tests.e2e.live_stack import LiveStack
from tests.pages import patient_page, serving
from tests.recording_rows import write_recordings
from tests.rtsp import free_ports

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FIRST_CHART_S = 60.0
LISTED_S = 0.5
RECORDINGS = 2000


def test_the_first_chart_comes_within_a_minute_of_the_first_start(
    browser: Browser, tmp_path: Path
) -> None:
    installation = Installation(tmp_path / "home")
    installation.home.mkdir()
    with browser.new_context() as viewer, patient_page(viewer) as page:
        begin_s = time.monotonic()
        with LiveStack(installation, tmp_path / "up.log", port=free_ports(1)[0]) as stack:
            stack.wait_for_dashboard()
            page.goto(stack.address)
            page.get_by_role("button", name="Start the demo").click()
            expect(page.locator(".tile img")).to_be_visible()
            page.get_by_role("link", name="Trends").click()
            chart = page.locator("figure:visible").filter(has_text="demo camera")
            expect(chart.locator(".main-svg .bars").first).to_be_visible()
            took_s = time.monotonic() - begin_s
    assert took_s < FIRST_CHART_S


def test_two_thousand_recordings_are_listed_searched_and_sorted_in_time(
    browser: Browser, tmp_path: Path
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    write_recordings(engine, RECORDINGS)
    settings = Settings(home=tmp_path / "home")
    library = RecordingLibrary(settings, engine, uploads_of(settings, engine))
    with (
        serving(Backend(engine, settings, recordings=library)) as address,
        browser.new_context() as viewer,
        patient_page(viewer) as page,
    ):
        page.goto(f"{address}/recordings")
        rows = page.locator(".runs tbody tr")
        total = page.get_by_text(re.compile("of 2,000"))
        expect(total).to_be_visible()
        page.evaluate(_MEASURE)
        search = page.get_by_label("Search")
        for text, first in (("P1999", "P1999.mp4"), ("", "")):
            search.fill(text)
            expect(rows.first).to_contain_text(first or re.compile(r"P\d{4}"))
            expect(rows).to_have_count(1 if text else 50)
        page.get_by_label("Sort by").select_option("name asc")
        expect(rows.first).to_contain_text("P")
        page.get_by_role("button", name="Next").click()
        expect(page.get_by_text(re.compile("^51 to 100 of"))).to_be_visible()
        took_ms = page.evaluate("globalThis.waits")
    engine.dispose()
    assert len(took_ms) >= 4
    assert max(took_ms) < LISTED_S * 1000, took_ms


_MEASURE = """() => {
  // From each request of the list until its answer was painted.
  globalThis.waits = [];
  const plain = globalThis.fetch;
  globalThis.fetch = async (...asked) => {
    const begin = performance.now();
    const answer = await plain(...asked);
    if (!String(asked[0].url ?? asked[0]).includes("recordings/list")) return answer;
    const text = await answer.clone().text();
    requestAnimationFrame(() => setTimeout(() => globalThis.waits.push(performance.now() - begin)));
    return new Response(text, answer);
  };
}"""
