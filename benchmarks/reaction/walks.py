"""How long users wait in three walks through the dashboard, in a browser on this machine.

Each walk has a test in tests/e2e that asserts no times.
"""

import os
import re
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, expect
from rich.console import Console

from benchmarks.results import Verdict, write_result
from benchmarks.rtsp_cameras import render_clip
from contracts.settings import Settings
from dashboard.app import PAGES
from moodline.adapters.recording_files import uploads_of
from moodline.adapters.recordings import RecordingLibrary
from records.database import open_engine
from records.schema import upgrade
from serving.backend import Backend
from tests.browser import chromium
from tests.e2e.commands import Installation, poll
from tests.e2e.health_site import running_services, seconds_until_banner
from tests.e2e.live_stack import LiveStack
from tests.pages import patient_page, serving
from tests.recording_rows import write_recordings
from tests.rtsp import free_ports

_FIRST_CHART_S: Final = 60.0
_BANNER_S: Final = 15.0
_LISTED_MS: Final = 500.0
_RECORDINGS: Final = 2000
_DEFAULT_LEASE_S: Final = 10


@dataclass(frozen=True, slots=True)
class _Banner:
    """Seconds from the end of a worker to the banner on every page, and to its disappearance."""

    shown_s: float
    gone_s: float


def run(console: Console, clip: Path | None) -> list[Verdict]:
    """Make each walk once. clip: the camera of the second one."""
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        folder = Path(name)
        first_s = _first_chart(browser, folder)
        console.print("first chart", first_s, highlight=False)
        banner = _dead_worker(browser, folder, clip or render_clip(folder))
        console.print(banner, highlight=False)
        waits_ms = _recordings(browser, folder)
        console.print("lists of recordings, ms", waits_ms, highlight=False)
    verdicts = [
        Verdict(
            f"the first chart of an empty installation is shown {first_s:.0f} s after its start "
            f"(target: under {_FIRST_CHART_S:.0f} s)",
            first_s < _FIRST_CHART_S,
        ),
        Verdict(
            f"a dead worker is shown on every page after {banner.shown_s:.1f} s, and no longer "
            f"{banner.gone_s:.1f} s after a new one is healthy (target: under {_BANNER_S:.0f} s)",
            max(banner.shown_s, banner.gone_s) < _BANNER_S,
        ),
        Verdict(
            f"{_RECORDINGS} recordings are listed, searched and sorted in {max(waits_ms):.0f} ms "
            f"at most (target: under {_LISTED_MS:.0f} ms)",
            max(waits_ms) < _LISTED_MS,
        ),
    ]
    measured = {
        "load": os.getloadavg()[0],
        "first_chart_s": first_s,
        "banner": asdict(banner),
        "lists_ms": waits_ms,
    }
    write_result("walks", measured, verdicts)
    return verdicts


def _first_chart(browser: Browser, folder: Path) -> float:
    """Start `up`, press "Start the demo", open Trends; return the seconds to its first chart."""
    installation = Installation(folder / "empty")
    installation.home.mkdir()
    with browser.new_context() as viewer, patient_page(viewer) as page:
        begin_s = time.monotonic()
        with LiveStack(installation, folder / "up.log", port=free_ports(1)[0]) as stack:
            stack.wait_for_dashboard()
            page.goto(stack.address)
            page.get_by_role("button", name="Start the demo").click()
            expect(page.locator(".tile img")).to_be_visible()
            page.get_by_role("link", name="Trends").click()
            chart = page.locator("figure:visible").filter(has_text="demo camera")
            expect(chart.locator(".main-svg .bars").first).to_be_visible()
            return round(time.monotonic() - begin_s, 1)


def _dead_worker(browser: Browser, folder: Path, clip: Path) -> _Banner:
    """Kill the only worker, and start another, while each page is open in a tab of its own."""
    (folder / "services").mkdir()
    with (
        running_services(folder / "services", clip, _DEFAULT_LEASE_S) as services,
        browser.new_context() as viewer,
        ExitStack() as tabs,
    ):
        pages = [tabs.enter_context(patient_page(viewer)) for _ in PAGES]
        for page, opened in zip(pages, PAGES, strict=True):
            page.goto(f"{services.address}/{opened.path}")
            expect(page.locator("#health")).to_be_hidden()
        services.kill_worker()
        shown_s = seconds_until_banner(pages, shown=True)
        services.start_worker()
        poll(lambda: services.level() == "healthy")
        return _Banner(round(shown_s, 1), round(seconds_until_banner(pages, shown=False), 1))


def _recordings(browser: Browser, folder: Path) -> list[int]:
    """List, search, sort and turn the page; return the milliseconds of each until it is painted."""
    engine = open_engine(f"sqlite:///{folder / 'records.db'}")
    upgrade(engine)
    write_recordings(engine, _RECORDINGS)
    settings = Settings(home=folder / "home")
    library = RecordingLibrary(settings, engine, uploads_of(settings, engine))
    with (
        serving(Backend(engine, settings, recordings=library)) as address,
        browser.new_context() as viewer,
        patient_page(viewer) as page,
    ):
        page.goto(f"{address}/recordings")
        rows = page.locator(".runs tbody tr")
        expect(page.get_by_text(re.compile(f"of {_RECORDINGS:,}"))).to_be_visible()
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
        poll(lambda: len(page.evaluate("globalThis.waits")) >= 4)
        waits_ms = page.evaluate("globalThis.waits")
    engine.dispose()
    return [round(one) for one in waits_ms]


_MEASURE: Final = """() => {
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
