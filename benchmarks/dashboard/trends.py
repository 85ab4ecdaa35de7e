"""Trends in a browser: time to the first chart, and from a new range to its drawn charts."""

import os
import statistics
import time
from dataclasses import dataclass
from typing import Final

import psutil
from playwright.sync_api import Browser, Page, expect

from benchmarks.dashboard.server import chromium
from benchmarks.history_load import UNTIL

PAINTS: Final = 5
INTERACTIONS: Final = int(os.environ.get("BENCH_INTERACTIONS", "200"))
_SIX_CHART_ZOOMS: Final = 20
_SIX_SOURCES: Final = ",".join(f"camera{number}" for number in range(1, 7))
_RANGE: Final = f"from={UNTIL:%Y}-01-01T00:00Z&to={UNTIL:%Y-%m-%d}T00:00Z"

_FIRST_CHART_DRAWN: Final = """new Promise((done, fail) => {
    setTimeout(() => fail(new Error("no chart was drawn in a minute")), 60_000);
    const look = () => {
        const bars = [...document.querySelectorAll("figure .barlayer .point path")];
        if (bars.some(one => one.checkVisibility({ visibilityProperty: true }))) done();
        else requestAnimationFrame(look);
    };
    look();
})"""
_REDRAW_MS: Final = """search => new Promise(done => {
    const begin = performance.now();
    const graphs = [...document.querySelectorAll("figure:not([hidden]) .js-plotly-plot")];
    let left = graphs.length;
    for (const graph of graphs) {
        const before = String(graph.layout.xaxis.range);
        const drawn = () => {
            if (String(graph.layout.xaxis.range) === before) return;
            graph.removeListener("plotly_afterplot", drawn);
            if (!--left) requestAnimationFrame(() => done(performance.now() - begin));
        };
        graph.on("plotly_afterplot", drawn);
    }
    dash_clientside.set_props("url", {search});
})"""


@dataclass(frozen=True, slots=True)
class TrendsTimes:
    """Medians and 95th percentiles in seconds, and the growth of the server's memory.

    paint: navigation to the first chart. zoom: a new range until its chart is drawn. six_zoom:
    the same with six charts. memory_mb: over the last three quarters of the zooms.
    """

    paint_s: float
    zoom_s: float
    zoom_p95_s: float
    six_zoom_s: float
    six_zoom_p95_s: float
    memory_mb: float


def measure_trends(address: str, server: psutil.Process) -> TrendsTimes:
    """Open Trends repeatedly, and change its range INTERACTIONS times."""
    with chromium() as browser:
        # The first paint fills the server's caches, and is not counted.
        paints = [first_paint(browser, address) for _ in range(1 + PAINTS)][1:]
        zooms = []
        page = _open(browser, f"{address}/trends?{_RANGE}")
        memory_mb = []
        for number in range(INTERACTIONS):
            zooms.append(_zoom(page, number))
            if number in {INTERACTIONS // 4, INTERACTIONS - 1}:
                memory_mb.append(server.memory_info().rss / 1e6)
        page.close()
        page = _open(browser, f"{address}/trends?{_RANGE}&sources={_SIX_SOURCES}")
        six_zooms = [
            _zoom(page, number, f"&sources={_SIX_SOURCES}") for number in range(_SIX_CHART_ZOOMS)
        ]
    return TrendsTimes(
        paint_s=statistics.median(paints),
        zoom_s=statistics.median(zooms),
        zoom_p95_s=statistics.quantiles(zooms, n=20)[-1],
        six_zoom_s=statistics.median(six_zooms),
        six_zoom_p95_s=statistics.quantiles(six_zooms, n=20)[-1],
        memory_mb=memory_mb[1] - memory_mb[0],
    )


def first_paint(browser: Browser, address: str) -> float:
    """Return the seconds from the navigation to Trends to its first chart, with an empty cache."""
    with browser.new_page() as page:
        begin = time.monotonic()
        page.goto(f"{address}/trends?{_RANGE}", wait_until="commit")
        # This script checks every painted frame; `expect` checks up to a second later.
        page.evaluate(_FIRST_CHART_DRAWN)
        return time.monotonic() - begin


def _open(browser: Browser, url: str) -> Page:
    page = browser.new_page()
    page.goto(url)
    expect(page.locator("figure:visible .main-svg").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    return page


def _zoom(page: Page, number: int, query: str = "") -> float:
    """Show another month of the year; return the seconds until all of its charts are drawn."""
    day = 1 + number % 27
    month = 1 + number // 27 % 10
    since, until = f"{UNTIL:%Y}-{month:02}-{day:02}", f"{UNTIL:%Y}-{month + 1:02}-{day:02}"
    taken_ms: float = page.evaluate(_REDRAW_MS, f"?from={since}T00:00Z&to={until}T00:00Z{query}")
    return taken_ms / 1000
