"""A dashboard server in a thread, and browser pages that report errors as failures."""

import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, Request, Route

from dashboard.app import create_app
from dashboard.web.limits.http_server import http_server
from serving.backend import Backend
from tests.browser import PATIENCE_MS
from tests.e2e.commands import TIMEOUT_S, poll

_UNANSWERED = "Callback failed: the server did not respond."
"""Written by Dash if the request of a callback fails, also because the page was left."""


@contextmanager
def serving(
    backend: Backend, *, tls: ssl.SSLContext | None = None, **options: Any
) -> Iterator[str]:
    """Run a dashboard on a free port and yield its address. options: of `create_app`.

    Nobody signs in, unless `sign_in` is given.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    app = create_app(backend, **{"sign_in": False} | options)
    server = http_server(app, proxies=backend.settings.dashboard_proxies, tls=tls)
    server.config.timeout_graceful_shutdown = 1
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    poll(lambda: server.started)
    scheme = "http" if tls is None else "https"
    yield f"{scheme}://localhost:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@contextmanager
def patient_page(viewer: BrowserContext) -> Iterator[Page]:
    """A page whose actions may take long, as they do on a busy machine."""
    with viewer.new_page() as page:
        page.set_default_timeout(PATIENCE_MS)
        yield page


class Noise:
    """A page's console messages and requests to other addresses; there should be none.

    Requests that were under way when the page was left are no noise, nor what Dash writes of them.
    """

    def __init__(self, page: Page, address: str) -> None:
        self._address = address
        self._messages: list[str] = []
        self._requested: set[str] = set()
        self._left = 0
        """Callbacks that were under way when the page was left, since the page was opened."""
        page.on("console", lambda message: self._messages.append(message.text))
        page.on("pageerror", lambda error: self._messages.append(str(error)))
        page.on("requestfailed", self._failed)
        page.on("request", lambda request: self._requested.add(request.url))

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":
            self._messages.append(f"failed: {request.url}: {request.failure}")
        elif "/_dash-update-component" in request.url:
            self._left += 1

    def assert_none(self) -> None:
        """Assert that there was none since the last call."""
        unanswered = [one for one in self._messages if _UNANSWERED in one][: self._left]
        self._left -= len(unanswered)
        noise, requested = list(self._messages), list(self._requested)
        for one in unanswered:
            noise.remove(one)
        self._messages.clear()
        self._requested.clear()
        assert not noise, noise
        own = (self._address, "data:", "blob:")
        elsewhere = [url for url in requested if not url.startswith(own)]
        assert not elsewhere, elsewhere


@contextmanager
def quiet_page(viewer: BrowserContext, address: str) -> Iterator[Page]:
    """A page that must write nothing to its console and request nothing from other addresses."""
    with patient_page(viewer) as page:
        noise = Noise(page, address)
        yield page
        noise.assert_none()


def keep_picture(page: Page, name: str, *, full_page: bool = True) -> None:
    """Write a picture of the page, for people, into the folder MOODLINE_SHOTS if it is set.

    A picture of a whole page takes a second of the processor, and no test looks at it.
    """
    folder = os.environ.get("MOODLINE_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=full_page)


def follow_link(page: Page, href: str) -> None:
    """Do as a link of the page does: the scripts stay, the content is built again."""
    page.evaluate(
        """href => { history.pushState({}, "", href); scrollTo(0, 0);
        dispatchEvent(new CustomEvent("_dashprivate_pushstate")); }""",
        href,
    )


def wait_for_route(page: Page, held: list[Route]) -> Route:
    """Wait until a route handler has put a request into the list, and take it out.

    Playwright calls route handlers only while it waits for the page.
    """
    deadline = time.monotonic() + TIMEOUT_S
    while not held:
        assert time.monotonic() < deadline, "the page made no such request"
        page.wait_for_timeout(20)
    return held.pop(0)
