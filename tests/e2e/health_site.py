"""Services whose worker comes and goes, and the banner that pages show meanwhile."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, expect

from broker.embedded import EmbeddedBroker
from moodline.demo.camera import add_camera
from records.database import open_engine
from records.schema import upgrade
from tests.e2e.commands import TIMEOUT_S, Installation, poll
from tests.http_client import ask
from tests.rtsp import free_ports


@dataclass
class Services:
    """ingest, scheduler and dashboard with a looped clip as camera; the worker comes and goes."""

    installation: Installation
    address: str
    worker: "subprocess.Popen[str] | None" = None

    def start_worker(self) -> None:
        self.worker = self.installation.start("worker")

    def kill_worker(self) -> None:
        assert self.worker is not None
        os.killpg(self.worker.pid, signal.SIGKILL)
        self.worker.communicate(timeout=TIMEOUT_S)

    def level(self) -> str:
        answer = ask(self.address, "/api/health")
        return str(json.loads(answer.read())["level"]) if answer.status == 200 else ""


@contextmanager
def running_services(home: Path, clip: Path, lease_s: int) -> Iterator[Services]:
    """Run them until they are healthy. They take long to start: tests leave them as they were.

    lease_s: MOODLINE_LEASE_S.
    """
    (port,) = free_ports(1)
    with EmbeddedBroker() as broker, ExitStack() as stack:
        installation = Installation(
            home,
            {
                "MOODLINE_REDIS_URL": broker.url,
                "MOODLINE_DATABASE_URL": f"sqlite:///{home / 'moodline.db'}",
                "MOODLINE_LEASE_S": str(lease_s),
            },
        )
        engine = open_engine(f"sqlite:///{home / 'moodline.db'}")
        upgrade(engine)
        add_camera(engine, clip)
        engine.dispose()
        commands = (("ingest",), ("scheduler",), ("dashboard", "--port", str(port), "--no-sign-in"))
        for words in commands:
            stack.callback(_stop, installation.start(*words))
        found = Services(installation, f"http://127.0.0.1:{port}")
        found.start_worker()
        poll(lambda: _is_up(found))
        yield found
        assert found.worker is not None
        _stop(found.worker)


def seconds_until_banner(pages: list[Page], *, shown: bool) -> float:
    """Wait until each page shows the banner, or none does; return how long it took."""
    begin_s = time.monotonic()
    for page in pages:
        banner = page.locator("#health")
        expect(banner).to_be_visible() if shown else expect(banner).to_be_hidden()
    return time.monotonic() - begin_s


def _is_up(services: Services) -> bool:
    try:
        return services.level() == "healthy"
    except OSError:
        return False


def _stop(process: "subprocess.Popen[str]") -> None:
    """Stop a service, which must end in order and without a traceback."""
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, log
    assert "Traceback" not in log
