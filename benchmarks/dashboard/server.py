"""A private dashboard server over a generated year, and a browser to open it."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil
from playwright.sync_api import Browser, expect, sync_playwright
from rich.console import Console

from analytics.history.rollups import roll_up_all
from benchmarks.history_load import load_year
from records.database import open_engine
from records.schema import upgrade
from records.sources.live_sources import SourceSettings, add_source
from tests.rtsp import free_ports

LIVE_SOURCES: Final = 16
_START_S: Final = 180
_BROWSER_TIMEOUT_MS: Final = 60_000


def create_year_database(folder: str, console: Console) -> str:
    """Create a database with a year of ten cameras, and live sources; return its URL."""
    url = f"sqlite:///{folder}/records.db"
    engine = open_engine(url)
    upgrade(engine)
    console.print("loading a year of ten cameras", highlight=False)
    load_year(engine)
    for number in range(LIVE_SOURCES):
        add_source(engine, f"live{number}", SourceSettings("0", "0", "nowhere", 5.0, None))
    roll_up_all(engine)
    engine.dispose()
    os.sync()  # Otherwise the year is still being written when the first pages are opened.
    return url


@contextmanager
def dashboard_server(
    database: str, broker: str, home: str, code: Path | None = None
) -> Iterator[tuple[str, psutil.Process]]:
    """Run a dashboard; yield its address and its process.

    code: root of another checkout whose code runs, instead of this one.
    """
    (port,) = free_ports(1)
    env = os.environ | {
        "MOODLINE_DATABASE_URL": database,
        "MOODLINE_REDIS_URL": broker,
        "MOODLINE_HOME": home,
    }
    if code is not None:
        env["PYTHONPATH"] = str(code)
    dashboard = [sys.executable, "-m", "moodline", "dashboard"]
    described = subprocess.run(
        [*dashboard, "--help"], env=env, cwd=code, capture_output=True, text=True, check=True
    )
    command = [*dashboard, "--port", str(port)]
    if "--no-sign-in" in described.stdout:  # Another checkout may be older than the option.
        command.append("--no-sign-in")
    server = subprocess.Popen(command, env=env, cwd=code)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_up(address)
        yield address, psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the host's Chromium without a window."""
    expect.set_options(timeout=_BROWSER_TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        yield browser
        browser.close()


def _wait_until_up(address: str) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            urllib.request.urlopen(f"{address}/healthz", timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
