"""A headless Chromium for the tests of pages.

Without Chromium the tests are skipped, or fail if TEST_REQUIRED names "browser", as in CI.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from tests.requirements import lacking

CHROMIUM = "chromium-headless-shell", "chromium"
"""The first that is installed. The shell has no windows to draw and takes half the CPU time."""
PATIENCE_MS = 120_000
"""How long a page may take. The machine may run many other processes."""
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page of a test is short: to optimise its scripts takes more than it saves.
    "--js-flags=--no-maglev --no-opt",
]


_running: list[Playwright] = []
"""Playwright while it runs: a thread can run one only."""


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """A browser that makes no requests of its own. arguments: further options of Chromium."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        lacking("browser", "neither chromium-headless-shell nor chromium is installed")
    expect.set_options(timeout=PATIENCE_MS)
    with _playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*_ARGUMENTS, *arguments])
        yield browser
        browser.close()


@contextmanager
def _playwright() -> Iterator[Playwright]:
    if _running:
        yield _running[0]
        return
    with sync_playwright() as playwright:
        _running.append(playwright)
        try:
            yield playwright
        finally:
            _running.clear()
