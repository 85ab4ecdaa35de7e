"""The dashboard in a real browser: Trends over a year of ten cameras, and Now for many viewers.

Trends: from the navigation to the first drawn chart, and from a new range to its charts. Now: 16
sources that show twelve pictures in five seconds; how old what a viewer is told is, with 50 viewers
at once; and what the server's memory does over 200 interactions.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page, expect, sync_playwright
from rich.console import Console

from analytics.rollups import fold_all
from benchmarks.history_load import UNTIL, load_year
from benchmarks.results import Verdict, write_result
from contracts.bus import Bus
from contracts.database import open_engine, upgrade
from contracts.live_view import Reading, View
from contracts.presence import Presence, SourceReport
from contracts.records import to_micros, utc_now
from contracts.sources import SourceSettings, add_source
from moodline.broker import EmbeddedBroker
from tests.rtsp import free_ports

SOURCES = 16
VIEWERS = 50
SECONDS = float(os.environ.get("BENCH_NOW_S", "60"))
INTERACTIONS = 200
PAINT_S, ZOOM_S, TILE_S = 1.5, 0.5, 1.0
MEMORY_MB = 20.0
_RANGE = f"from={UNTIL:%Y}-01-01T00:00Z&to={UNTIL:%Y-%m-%d}T00:00Z"


def run(console: Console, _clip: Path | None) -> list[Verdict]:
    """Serve, look, and count."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker() as broker:
        url = f"sqlite:///{folder}/records.db"
        engine = open_engine(url)
        upgrade(engine)
        console.print("loading a year of ten cameras", highlight=False)
        load_year(engine)
        for number in range(SOURCES):
            add_source(engine, f"live{number}", SourceSettings("0", "0", "nowhere", 5.0, None))
        fold_all(engine)
        engine.dispose()
        (port,) = free_ports(1)
        env = os.environ | {
            "MOODLINE_DATABASE_URL": url,
            "MOODLINE_REDIS_URL": broker.url,
            "MOODLINE_HOME": folder,
        }
        command = [sys.executable, "-m", "moodline", "dashboard", "--port", str(port)]
        server = subprocess.Popen(command, env=env)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(address)
            measured = _trends(address, psutil.Process(server.pid)) | _now(address, broker.url)
        finally:
            server.terminate()
            server.wait(30)
    verdicts = [
        Verdict(
            measured["paint_s"] < PAINT_S, f"Trends paints in {measured['paint_s']:.2f} s (median)"
        ),
        Verdict(measured["zoom_s"] < ZOOM_S, f"a range changes in {measured['zoom_s']:.2f} s"),
        Verdict(
            measured["memory_mb"] < MEMORY_MB,
            f"server memory over {INTERACTIONS} interactions: {measured['memory_mb']:+.1f} MB",
        ),
        Verdict(
            measured["tile_p95_s"] <= TILE_S,
            f"age of {SOURCES} tiles with {VIEWERS} viewers, p95: {measured['tile_p95_s']:.2f} s",
        ),
        Verdict(measured["viewers"] == VIEWERS, f"{measured['viewers']} viewers were served"),
    ]
    write_result("dashboard", measured, verdicts)
    return verdicts


def _trends(address: str, server: psutil.Process) -> dict[str, Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        paints, zooms = [], []
        for turn in range(6):
            with browser.new_page() as page:
                begin = time.monotonic()
                page.goto(f"{address}/trends?{_RANGE}")
                expect(page.locator("figure:visible .main-svg").first).to_be_visible()
                if turn:  # The first one fills what every later one finds filled.
                    paints.append(time.monotonic() - begin)
        page = browser.new_page()
        page.goto(f"{address}/trends?{_RANGE}")
        expect(page.locator("figure:visible .main-svg").first).to_be_visible()
        memory = []
        for turn in range(INTERACTIONS):
            zooms.append(_zoom(page, turn))
            if turn in {INTERACTIONS // 4, INTERACTIONS - 1}:
                memory.append(server.memory_info().rss / 1e6)
        browser.close()
    return {
        "paint_s": statistics.median(paints),
        "zoom_s": statistics.median(zooms),
        "zoom_p95_s": statistics.quantiles(zooms, n=20)[-1],
        "memory_mb": memory[1] - memory[0],
    }


def _zoom(page: Page, turn: int) -> float:
    """Another week of the year, until its chart is there."""
    day = 1 + turn % 27
    month = 1 + turn // 27 % 10
    before = page.locator("#span").inner_text()
    begin = time.monotonic()
    page.evaluate(
        "([since, until]) => dash_clientside.set_props('url',"
        " {search: `?from=${since}&to=${until}&mode=share`})",
        [
            f"{UNTIL:%Y}-{month:02}-{day:02}T00:00Z",
            f"{UNTIL:%Y}-{month + 1:02}-{day:02}T00:00Z",
        ],
    )
    while page.locator("#span").inner_text() == before:
        page.wait_for_timeout(5)  # The page's own policy lets no test poll inside it.
    return time.monotonic() - begin


def _now(address: str, broker: str) -> dict[str, Any]:
    """Pictures as workers show them, and viewers that note how old each tile is that they get."""
    stop = threading.Event()
    feeder = threading.Thread(target=_feed, args=(broker, stop), daemon=True)
    feeder.start()
    host, port = address.removeprefix("http://").split(":")
    ages, served = asyncio.run(_watch_all(host, int(port)))
    stop.set()
    feeder.join()
    return {
        "tile_p95_s": statistics.quantiles(ages, n=20)[-1],
        "tiles": len(ages),
        "viewers": served,
    }


def _feed(url: str, stop: threading.Event) -> None:
    bus = Bus.connect(url)
    presence = Presence(bus, SourceReport)
    since = utc_now().isoformat()
    jpeg = os.urandom(24_000)
    reading = Reading(1, 0.1, 0.1, 0.2, 0.2, "happy", 0.8, (0.0, 0.0, 0.0, 0.8, 0.1, 0.0, 0.1))
    while not stop.is_set():
        for number in range(SOURCES):
            name = f"live{number}"
            presence.report(
                SourceReport(name, "streaming", "", since, "here", "run", 5.0, 0.1), alive_for_s=5
            )
            now = to_micros(utc_now())
            View(name, "run", now, 640, 360, (reading,), jpeg[number:]).show(bus)
        stop.wait(0.4)
    bus.close()


async def _watch_all(host: str, port: int) -> tuple[list[float], int]:
    found = await asyncio.gather(*(_watch(host, port) for _ in range(VIEWERS)))
    return [age for ages in found for age in ages], sum(bool(ages) for ages in found)


async def _watch(host: str, port: int) -> list[float]:
    reader, writer = await asyncio.open_connection(host, port, limit=2**22)
    writer.write(f"GET /api/now/events HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    ages, begin, kind = [], time.monotonic(), b""
    while time.monotonic() - begin < SECONDS:
        line = await asyncio.wait_for(reader.readline(), 30)
        if line.startswith(b"event: "):
            kind = line[7:].strip()
        elif line.startswith(b"data: ") and kind == b"tile" and time.monotonic() - begin > 5:
            captured = json.loads(line[6:])["captured_at"]
            if captured:
                ages.append(time.time() - captured)
    writer.close()
    return ages


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
