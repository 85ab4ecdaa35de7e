"""Makes now.png, trends.png and recording.png of the dashboard of `moodline demo`.

.venv/bin/python -m docs.images.pages 'http://127.0.0.1:8765/login?link=...'
"""

import sys
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

from playwright.sync_api import Page, ViewportSize

from tests.browser import PATIENCE_MS, chromium
from tests.e2e.commands import poll

_FOLDER: Final = Path(__file__).parent
_SIZE: Final[ViewportSize] = {"width": 1440, "height": 900}
_TRENDS: Final = "trends?from=now-7d&to=now&sources=caf%C3%A9,library"
_FACES: Final = 3
_SURE: Final = 85
_PLAYED_S: Final = 4.0
"""The position in the recording: a face that shows something."""


def now(page: Page, address: str) -> None:
    """A live tile with faces, and the last day."""
    page.goto(urljoin(address, "now"))
    page.wait_for_selector(".day .time-bar")
    page.wait_for_selector(".tile img:not([hidden])")
    shares = page.locator(".tile .reading .bar-share")
    poll(lambda: len(found := shares.all_inner_texts()) == _FACES and all(map(_is_sure, found)))
    page.screenshot(path=_FOLDER / "now.png", clip={"x": 0, "y": 0, "width": 1440, "height": 770})


def trends(page: Page, address: str) -> None:
    """Two sources over a week, with the verdict."""
    page.goto(urljoin(address, _TRENDS))
    page.wait_for_selector(".heat-map")
    page.set_viewport_size(_SIZE | {"height": 1250})  # type: ignore[arg-type]
    page.wait_for_timeout(1000)  # The charts fit themselves to it.
    page.screenshot(path=_FOLDER / "trends.png")
    page.set_viewport_size(_SIZE)


def recording(page: Page, address: str) -> None:
    """The recording of one face, a few seconds into it."""
    page.goto(urljoin(address, "recordings"))
    page.get_by_role("link", name="one-face.mp4").click()
    page.wait_for_selector(".lane canvas")
    poll(lambda: bool(page.evaluate("document.querySelector('video')?.readyState >= 2")))
    page.evaluate(f"document.querySelector('video').currentTime = {_PLAYED_S}")
    poll(lambda: not page.evaluate("document.querySelector('video').seeking"))
    page.wait_for_timeout(1000)  # The boxes of that frame are loaded.
    page.set_viewport_size(_SIZE | {"height": 1160})  # type: ignore[arg-type]
    page.wait_for_timeout(1000)
    page.screenshot(path=_FOLDER / "recording.png")


def _is_sure(share: str) -> bool:
    """Whether a face is not covered by another one: then its percentage is high."""
    return int(share.split(maxsplit=1)[0]) >= _SURE


def main() -> None:
    """Sign in by the link, and take the pictures."""
    link = sys.argv[1]
    with (
        chromium() as browser,
        browser.new_context(
            locale="en-US", timezone_id="Europe/Berlin", color_scheme="light", viewport=_SIZE
        ) as viewer,
        viewer.new_page() as page,
    ):
        page.set_default_timeout(PATIENCE_MS)
        page.goto(link)
        address = urljoin(link, "/")
        for take in (now, trends, recording):
            take(page, address)


if __name__ == "__main__":
    main()
