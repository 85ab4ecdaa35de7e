"""Every page, wide and narrow, light and dark: no console output, and no findings of axe.

Screenshots are written to the folder MOODLINE_SHOTS, if it is set.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from contracts.runs import RunKind
from dashboard.app import PAGES
from moodline.demo.camera import CAMERA
from tests.e2e.commands import Installation, poll, runs_of
from tests.e2e.live_stack import LiveStack
from tests.pages import keep_picture, quiet_page
from tests.rtsp import free_ports

# axe takes a few seconds of a quiet processor for a page with charts.
pytestmark = pytest.mark.timeout(900)

SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
READY = {
    "now": ".tile img:not([hidden])",
    "trends": ".heat-map",
    "alerts": ".alert-ideas",
    "recordings": ".runs",
    "try": ".drop",
    "sources": ".source .health",
    "system": "#services .facts",
    "account": "#account-page .empty",
    "model": "#model-card .facts",
    "wall": ".wall-picture img:not([hidden])",
    "recording": ".lane canvas",
    "source": ".source-picture .tile img:not([hidden])",
    "reference": "#get-status",
}
"""A selector of each page that matches when the page is complete."""
REVIEWED = {
    # axe cannot compute contrast over a picture, a pattern or overlapping parts of a chart. These
    # texts were checked by eye: they have the page's text colour on the page's background.
    "color-contrast",
    # A recording is played as uploaded: moodline makes no captions and reads no sound.
    "video-caption",
}


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory,
    month_database: Path,
    three_faces: Path,
    one_face: Path,
) -> Iterator[LiveStack]:
    """A live camera, a finished recording and a generated month."""
    folder = tmp_path_factory.mktemp("pages")
    allowed = {"MOODLINE_RECORDING_FOLDERS": str(tmp_path_factory.getbasetemp())}
    installation = Installation(folder / "home", allowed)
    installation.home.mkdir()
    shutil.copyfile(month_database, installation.home / "moodline.db")
    with LiveStack(installation, folder / "up.log", port=free_ports(1)[0]) as one:
        # At one frame a second: the camera is analysed as long as the tests of this module take.
        one.add(CAMERA, str(three_faces), fps=1.0, looped=True)
        installation.analyze(one_face)
        one.wait_for_dashboard()
        poll(lambda: one.makes_progress(CAMERA))
        yield one


@pytest.fixture(scope="module")
def viewer(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(timezone_id="Europe/Berlin") as one:
        yield one


def test_no_page_is_left_out() -> None:
    assert {page.path for page in PAGES} | {"recording", "source", "reference"} == set(READY)


@pytest.mark.parametrize("changes", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "name",
    [
        # axe takes a minute for the thousands of rows of the API's reference.
        pytest.param(name, marks=[pytest.mark.slow] if name == "reference" else [])
        for name in READY
    ],
)
def test_page_is_accessible_and_quiet(
    viewer: BrowserContext, stack: LiveStack, name: str, *, changes: bool
) -> None:
    """Open the page wide in light and narrow in dark. changes: to the other theme afterwards."""
    found = []
    for size, both in (("wide", ("light", "dark")), ("narrow", ("dark", "light"))):
        themes = both if changes else both[:1]
        width, height = SIZES[size]
        with quiet_page(viewer, stack.address) as page:
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=themes[0])
            page.goto(stack.address + path_of(stack, name, size))
            expect(page.locator(READY[name]).first).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") == width
            for theme in themes:
                page.emulate_media(color_scheme=theme)
                keep_picture(page, f"{name}-{size}-{theme}")
                # The themes differ in nothing but colours.
                rules = ["color-contrast"] if theme == both[1] else []
                found += [(size, theme, *one) for one in _findings(page, rules)]
    assert not found, json.dumps(found, indent=1)


def path_of(stack: LiveStack, name: str, size: str) -> str:
    if name == "recording":
        run = next(run for run in runs_of(stack.installation) if run.kind == RunKind.FILE)
        return f"recordings/{run.run_id}"
    if name == "source":
        return f"sources/{quote(CAMERA)}"
    if name == "reference":
        return "api/v1/reference"
    if name == "trends":  # In few steps: axe looks at each bar. The narrow page shows its inputs.
        days, sources = (30, "") if size == "wide" else (31, "&sources=library")
        return f"{name}?from=now-{days}d&to=now{sources}"
    return name


def _findings(page: Page, rules: list[str]) -> list[tuple[str, list[str]]]:
    """Return axe's violations, and its incomplete checks that are not in REVIEWED.

    rules: the rules to run; empty: all. A redraw while axe runs can cause findings, so axe runs
    again with their rules; they count if they are found three times.
    """
    findings: dict[str, list[str]] = {}
    for _ in range(3):
        options: dict[str, Any] = {"resultTypes": ["violations"]}
        if rules:
            options["runOnly"] = {"type": "rule", "values": rules}
        axed = Axe().run(page, options=options).response
        unsure = [one for one in axed["incomplete"] if one["id"] not in REVIEWED]
        findings = {
            one["id"]: [node["html"][:160] for node in one["nodes"]]
            for one in (*axed["violations"], *unsure)
        }
        if not findings:
            break
        rules = list(findings)
    return list(findings.items())
