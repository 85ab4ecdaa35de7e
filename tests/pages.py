"""The dashboard as its viewers have it: a server of its own, and pages that keep quiet."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from playwright.sync_api import BrowserContext, Page

from dashboard.app import create_app
from dashboard.web.backend import Backend
from tests.e2e.commands import poll
from tests.rtsp import free_ports


@contextmanager
def serving(backend: Backend, **options: Any) -> Iterator[str]:
    """A dashboard on a port of its own; its address."""
    (port,) = free_ports(1)
    config = uvicorn.Config(
        create_app(backend, **options), port=port, log_level="warning", lifespan="off", ws="none"
    )
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    poll(lambda: server.started)
    yield f"http://localhost:{port}"
    server.should_exit = True
    thread.join(10)


@contextmanager
def quiet_page(viewer: BrowserContext, address: str) -> Iterator[Page]:
    """A page that goes nowhere else and says nothing on its console."""
    with viewer.new_page() as page:
        page.set_default_timeout(60_000)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("requestfailed", lambda request: said.append(_failure(request)))
        asked: set[str] = set()
        page.on("request", lambda request: asked.add(request.url))
        yield page
        noise = list(filter(None, said))
        assert not noise, noise
        away = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
        assert not away, away


def _failure(request: Any) -> str:
    """What failed; what a page left before it was there did not."""
    if request.failure == "net::ERR_ABORTED":
        return ""
    return f"failed: {request.url}: {request.failure}"
