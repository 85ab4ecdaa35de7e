"""The dashboard in a real browser: Trends over a year of ten cameras, and Now for many viewers.

Trends: from the navigation to the first drawn chart, and from a new range to its drawn charts, one
and six at once. Now: 16 sources that show a new picture every 0.4 s; how old the tile and the
picture are that a viewer has at any time, with 50 viewers at once, and what that costs the server;
and what the server's memory does over 200 interactions.
"""

import asyncio
import base64
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, expect, sync_playwright
from rich.console import Console

from analytics.history.rollups import fold_all
from benchmarks.history_load import UNTIL, load_year
from benchmarks.results import Verdict, write_result
from broker.bus import Bus
from broker.embedded import EmbeddedBroker
from broker.live_view import Reading, View
from broker.presence import Presence, SourceReport
from contracts.times import to_micros, utc_now
from records.database import open_engine, upgrade
from records.sources.live_sources import SourceSettings, add_source
from tests.rtsp import free_ports

SOURCES = 16
VIEWERS = 50
SECONDS = float(os.environ.get("BENCH_NOW_S", "60"))
INTERACTIONS = int(os.environ.get("BENCH_INTERACTIONS", "200"))
PAINTS = 5
SIX_ZOOMS = 20
PAINT_S, ZOOM_S, TILE_S = 1.5, 0.5, 1.0
MEMORY_MB = 20.0
_SAMPLE_S = 0.1
_PATIENCE_MS = 60_000
_STAMP = struct.Struct(">qx")
"""When a made-up picture was taken, as its first nine bytes: whole in base64."""
_SIX = ",".join(f"camera{number}" for number in range(1, 7))
_RANGE = f"from={UNTIL:%Y}-01-01T00:00Z&to={UNTIL:%Y-%m-%d}T00:00Z"


def run(console: Console, _clip: Path | None) -> list[Verdict]:
    """Serve, look, and count."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker() as broker:
        url = year_in(folder, console)
        with served(url, broker.url, folder) as (address, process):
            measured = _trends(address, process) | _now(address, broker.url, process)
    verdicts = [
        Verdict(
            f"Trends paints in {measured['paint_s']:.2f} s (median)", measured["paint_s"] < PAINT_S
        ),
        Verdict(f"a range is drawn in {measured['zoom_s']:.2f} s", measured["zoom_s"] < ZOOM_S),
        Verdict(
            f"a range of six charts is drawn in {measured['six_zoom_s']:.2f} s",
            measured["six_zoom_s"] < ZOOM_S,
        ),
        Verdict(
            f"server memory over {INTERACTIONS} interactions: {measured['memory_mb']:+.1f} MB",
            measured["memory_mb"] < MEMORY_MB,
        ),
        Verdict(
            f"age of {SOURCES} tiles with {VIEWERS} viewers, p95: {measured['tile_p95_s']:.2f} s",
            measured["tile_p95_s"] <= TILE_S,
        ),
        Verdict(
            f"age of their pictures, p95: {measured['picture_p95_s']:.2f} s, for "
            f"{measured['server_cpu']:.2f} cores of the server",
            measured["picture_p95_s"] <= TILE_S,
        ),
        Verdict(f"{measured['viewers']} viewers were served", measured["viewers"] == VIEWERS),
    ]
    write_result("dashboard", measured, verdicts)
    return verdicts


def year_in(folder: str, console: Console) -> str:
    """The URL of a new database with a year of ten cameras, and cameras that are live."""
    url = f"sqlite:///{folder}/records.db"
    engine = open_engine(url)
    upgrade(engine)
    console.print("loading a year of ten cameras", highlight=False)
    load_year(engine)
    for number in range(SOURCES):
        add_source(engine, f"live{number}", SourceSettings("0", "0", "nowhere", 5.0, None))
    fold_all(engine)
    engine.dispose()
    os.sync()  # Else the first pages are opened while the year is written out.
    return url


@contextmanager
def served(
    database: str, broker: str, home: str, code: Path | None = None
) -> Iterator[tuple[str, psutil.Process]]:
    """A dashboard of its own: its address and its process. code: of another checkout."""
    (port,) = free_ports(1)
    env = os.environ | {
        "MOODLINE_DATABASE_URL": database,
        "MOODLINE_REDIS_URL": broker,
        "MOODLINE_HOME": home,
    }
    if code is not None:
        env["PYTHONPATH"] = str(code)
    command = [sys.executable, "-m", "moodline", "dashboard", "--port", str(port)]
    server = subprocess.Popen(command, env=env, cwd=code)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(address)
        yield address, psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def browser_of_the_host() -> Iterator[Browser]:
    """Chromium, without a window."""
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        yield browser
        browser.close()


def first_paint(browser: Browser, address: str) -> float:
    """From the address of Trends to its first chart, in seconds, with nothing cached."""
    with browser.new_page() as page:
        begin = time.monotonic()
        page.goto(f"{address}/trends?{_RANGE}", wait_until="commit")
        # Looks at every frame that is painted; an expectation looks up to a second later.
        page.evaluate(_DRAWN)
        return time.monotonic() - begin


def _trends(address: str, server: psutil.Process) -> dict[str, Any]:
    with browser_of_the_host() as browser:
        # The first one fills what every later one finds filled.
        paints = [first_paint(browser, address) for _ in range(1 + PAINTS)][1:]
        zooms = []
        page = _opened(browser, f"{address}/trends?{_RANGE}")
        memory = []
        for turn in range(INTERACTIONS):
            zooms.append(_zoom(page, turn))
            if turn in {INTERACTIONS // 4, INTERACTIONS - 1}:
                memory.append(server.memory_info().rss / 1e6)
        page.close()
        page = _opened(browser, f"{address}/trends?{_RANGE}&sources={_SIX}")
        six = [_zoom(page, turn, f"&sources={_SIX}") for turn in range(SIX_ZOOMS)]
    return {
        "paint_s": statistics.median(paints),
        "zoom_s": statistics.median(zooms),
        "zoom_p95_s": statistics.quantiles(zooms, n=20)[-1],
        "six_zoom_s": statistics.median(six),
        "six_zoom_p95_s": statistics.quantiles(six, n=20)[-1],
        "memory_mb": memory[1] - memory[0],
    }


def _opened(browser: Browser, url: str) -> Page:
    page = browser.new_page()
    page.goto(url)
    expect(page.locator("figure:visible .main-svg").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    return page


def _zoom(page: Page, turn: int, rest: str = "") -> float:
    """Another month of the year, until each of its charts is drawn, in seconds."""
    day = 1 + turn % 27
    month = 1 + turn // 27 % 10
    since, until = f"{UNTIL:%Y}-{month:02}-{day:02}", f"{UNTIL:%Y}-{month + 1:02}-{day:02}"
    taken_ms: float = page.evaluate(_REDRAW, f"?from={since}T00:00Z&to={until}T00:00Z{rest}")
    return taken_ms / 1000


_DRAWN = """new Promise(done => {
    const look = () => {
        const bars = [...document.querySelectorAll("figure .barlayer .point path")];
        if (bars.some(one => one.checkVisibility({ visibilityProperty: true }))) done();
        else requestAnimationFrame(look);
    };
    look();
})"""
_REDRAW = """search => new Promise(done => {
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


def _now(address: str, broker: str, server: psutil.Process) -> dict[str, Any]:
    """Pictures as workers show them, and viewers that note how old what they have is."""
    stop = threading.Event()
    feeder = threading.Thread(target=_feed, args=(broker, stop), daemon=True)
    feeder.start()
    host, port = address.removeprefix("http://").split(":")
    before, begin = server.cpu_times(), time.monotonic()
    viewers = asyncio.run(_watch_all(host, int(port)))
    after, taken_s = server.cpu_times(), time.monotonic() - begin
    stop.set()
    feeder.join()
    tiles = [age for viewer in viewers for age in viewer.tile_ages]
    pictures = [age for viewer in viewers for age in viewer.picture_ages]
    return {
        "tile_p95_s": statistics.quantiles(tiles, n=20)[-1],
        "picture_p95_s": statistics.quantiles(pictures, n=20)[-1],
        "samples": len(pictures),
        "viewers": sum(len(viewer.pictures) == SOURCES for viewer in viewers),
        "server_cpu": (after.user + after.system - before.user - before.system) / taken_s,
    }


def _feed(url: str, stop: threading.Event) -> None:
    """No two pictures are the same: the hub would drop the second one."""
    bus = Bus.connect(url)
    presence = Presence(bus, SourceReport)
    since = utc_now().isoformat()
    noise = os.urandom(24_000)
    reading = Reading(1, 0.1, 0.1, 0.2, 0.2, "happy", 0.8, (0.0, 0.0, 0.0, 0.8, 0.1, 0.0, 0.1))
    while not stop.is_set():
        begin = time.monotonic()
        for number in range(SOURCES):
            name = f"live{number}"
            presence.report(
                SourceReport(name, "streaming", "", since, "here", "run", 5.0, 0.1), alive_for_s=5
            )
            now = to_micros(utc_now())
            View(name, "run", now, 640, 360, (reading,), _STAMP.pack(now) + noise).show(bus)
        stop.wait(max(0.4 - (time.monotonic() - begin), 0.0))
    bus.close()


@dataclass(slots=True)
class _Viewer:
    """When what it has was captured, by source, seconds since 1970; its ages, as sampled."""

    tiles: dict[str, float] = field(default_factory=dict)
    pictures: dict[str, float] = field(default_factory=dict)
    tile_ages: list[float] = field(default_factory=list)
    picture_ages: list[float] = field(default_factory=list)

    def hear(self, kind: bytes, data: bytes) -> None:
        if kind == b"tile":
            tile = json.loads(data)
            if tile["captured_at"]:
                self.tiles[tile["name"]] = tile["captured_at"]
        elif kind == b"picture":
            name = data[10 : data.index(b'"', 10)].decode()
            at = data.index(b'"jpeg": "') + 9
            (taken_us,) = _STAMP.unpack(base64.b64decode(data[at : at + 12]))
            self.pictures[name] = taken_us / 1e6

    def sample(self) -> None:
        now = time.time()
        self.tile_ages += [now - at for at in self.tiles.values()]
        self.picture_ages += [now - at for at in self.pictures.values()]


async def _watch_all(host: str, port: int) -> list[_Viewer]:
    viewers = [_Viewer() for _ in range(VIEWERS)]
    async with asyncio.TaskGroup() as group:
        sampler = group.create_task(_sample(viewers))
        watchers = [group.create_task(_watch(viewer, host, port)) for viewer in viewers]
        await asyncio.wait(watchers)
        sampler.cancel()
    return viewers


async def _sample(viewers: list[_Viewer]) -> None:
    """What they look at, ten times a second, once all of it is there."""
    await asyncio.sleep(5)
    while True:
        for viewer in viewers:
            viewer.sample()
        await asyncio.sleep(_SAMPLE_S)


async def _watch(viewer: _Viewer, host: str, port: int) -> None:
    reader, writer = await asyncio.open_connection(host, port, limit=2**22)
    writer.write(f"GET /api/now/events HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    begin, kind = time.monotonic(), b""
    while time.monotonic() - begin < SECONDS:
        line = await asyncio.wait_for(reader.readline(), 30)
        if line.startswith(b"event: "):
            kind = line[7:].strip()
        elif line.startswith(b"data: "):
            viewer.hear(kind, line[6:])
    writer.close()


def _wait(address: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{address}/healthz", timeout=5).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
