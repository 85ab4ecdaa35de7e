"""A dashboard in a process of its own, whose memory can be measured, and honest users beside it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import Engine

from records.database import open_engine
from records.schema import upgrade
from records.users.accounts import add_user
from records.users.roles import Role
from tests.e2e.commands import TIMEOUT_S, poll
from tests.http_client import PASSWORD, ask, cookie_of, sign_in
from tests.rtsp import free_ports

USERS = {"mara": Role.ADMIN, "vic": Role.VIEWER}
_PAGE = ("/now", "/_dash-layout", "/api/recordings/list")
_CODE = """
import sys
from dataclasses import replace
from pathlib import Path
from contracts.settings import Settings
from dashboard.server import serve
from moodline.commands.services.dashboard import dashboard_backend
from records.database import open_engine
from runtime.logs import configure_logs
home, port = Path(sys.argv[1]), int(sys.argv[2])
configure_logs("WARNING", service="dashboard")
settings = Settings(home=home)
engine = open_engine(settings.effective_database_url)
backend = replace(dashboard_backend(settings, engine), start_demo=lambda: "demo")
serve(backend, host="127.0.0.1", port=port, sign_in=True)
"""


@dataclass(frozen=True, slots=True)
class DashboardProcess:
    """A running dashboard. log: its errors."""

    port: int
    process: psutil.Process
    engine: Engine
    log: Path

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def memory(self) -> int:
        """Resident memory of the server, bytes."""
        return int(self.process.memory_info().rss)

    def cookie(self, name: str) -> str:
        """Sign in."""
        return cookie_of(sign_in(self.address, name, PASSWORD))

    def page_time_s(self, cookie: str) -> float:
        """Open a page as an honest user does; return how long it took, in seconds."""
        begin_s = time.monotonic()
        for path in _PAGE:
            answer = ask(self.address, path, Cookie=cookie, Accept="text/html")
            assert answer.status == 200, (path, answer.status)
            answer.read()
        return time.monotonic() - begin_s


@contextmanager
def dashboard_process(home: Path) -> Iterator[DashboardProcess]:
    """Run `moodline dashboard` with the adapters of the whole of moodline, and with users."""
    home.mkdir(exist_ok=True)
    engine = open_engine(f"sqlite:///{home / 'moodline.db'}")
    upgrade(engine)
    for name, role in USERS.items():
        add_user(engine, name, role, PASSWORD, actor="test")
    (port,) = free_ports(1)
    log = home / "server.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", _CODE, str(home), str(port)], stdout=errors, stderr=errors
        )
    running = DashboardProcess(port, psutil.Process(process.pid), engine, log)
    try:
        poll(lambda: _answers(running.address))
        yield running
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)
        engine.dispose()


def failures(log: Path) -> list[str]:
    """Return the tracebacks that the server logged."""
    found = []
    for line in log.read_text(errors="replace").splitlines():
        entry = json.loads(line) if line.startswith("{") else {"exception": line}
        if "exception" in entry:
            found.append(str(entry["exception"])[-2000:])
    return found


def _answers(address: str) -> bool:
    try:
        return ask(address, "/healthz").status == 200
    except OSError:
        return False
