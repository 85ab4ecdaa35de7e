"""Every page, wide and narrow, light and dark: no console output, and no findings of axe.

The screenshots are output of the test, in MOODLINE_SHOTS or a temporary folder.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from contracts.runs import RunKind
from contracts.times import utc_now
from dashboard.app import PAGES
from moodline.demo.camera import add_camera
from moodline.demo.generated_month import write_month
from records.database import open_engine
from tests.e2e.commands import Installation, poll, runs_of
from tests.e2e.live_stack import LiveStack
from tests.pages import quiet_page
from tests.rtsp import free_ports

SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
READY = {
    "now": ".tile img:not([hidden])",
    "trends": ".heat-map",
    "recordings": ".runs",
    "try": ".drop",
    "sources": ".source .health",
    "system": "#services .facts",
}
REVIEWED = {
    # axe cannot compute contrast over a picture, a pattern or overlapping parts of a chart. These
    # texts were checked by eye: they have the page's text colour on the page's background.
    "color-contrast",
    # A recording is played as uploaded: moodline makes no captions and reads no sound.
    "video-caption",
}


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, three_faces: Path, one_face: Path
) -> Iterator[LiveStack]:
    """A live camera, a finished recording and a generated month."""
    folder = tmp_path_factory.mktemp("pages")
    installation = Installation(folder / "home")
    with LiveStack(installation, folder / "up.log", port=free_ports(1)[0]) as one:
        engine = open_engine(f"sqlite:///{installation.home / 'moodline.db'}")
        write_month(engine, utc_now())
        add_camera(engine, three_faces)
        engine.dispose()
        installation.analyze(one_face)
        one.wait_for_dashboard()
        poll(lambda: one.makes_progress("demo camera"))
        yield one


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("MOODLINE_SHOTS") or tmp_path_factory.mktemp("shots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def paths(stack: LiveStack) -> dict[str, str]:
    run = next(run for run in runs_of(stack.installation) if run.kind == RunKind.FILE)
    found = {page.path: READY[page.path] for page in PAGES}
    return found | {f"recordings/{run.run_id}": ".lane canvas"}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_every_page_is_accessible_and_quiet(
    browser: Browser, stack: LiveStack, shots: Path, size: str, theme: str
) -> None:
    wide, high = SIZES[size]
    found = []
    with browser.new_context(
        viewport={"width": wide, "height": high},
        color_scheme="dark" if theme == "dark" else "light",
        timezone_id="Europe/Berlin",
    ) as viewer:
        for path, ready in paths(stack).items():
            # A custom range, so that the dark screenshots show its inputs.
            query = "?from=now-8d&to=now" if (path, theme) == ("trends", "dark") else ""
            with quiet_page(viewer, stack.address) as page:
                page.goto(f"{stack.address}{path}{query}")
                expect(page.locator(ready).first).to_be_visible()
                name = "recording" if "/" in path else path
                page.screenshot(path=shots / f"{name}-{size}-{theme}.png", full_page=True)
                assert page.evaluate("document.documentElement.scrollWidth") == wide, path
                # A redraw while axe runs can cause findings: run it again.
                found += _findings(page, path) and _findings(page, path)
    assert not found, json.dumps(found, indent=1)


def _findings(page: Page, path: str) -> list[tuple[str, str, list[str]]]:
    """Return axe's violations, and its incomplete checks that are not in REVIEWED."""
    axed = Axe().run(page).response
    unsure = [one for one in axed["incomplete"] if one["id"] not in REVIEWED]
    return [
        (path, f"{kind}{one['id']}", [node["html"][:160] for node in one["nodes"]])
        for kind, some in (("", axed["violations"]), ("incomplete: ", unsure))
        for one in some
    ]
