"""Behind a reverse proxy, under a path of its own: whose word is taken on who asks, and how."""

import http.client
import json
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from contracts.database import open_engine, upgrade
from contracts.users import Role, add_user
from tests.e2e.commands import poll
from tests.e2e.test_sign_in import PASSWORD, ask
from tests.rtsp import free_ports

PROXY = "127.0.0.2"
"""The address that the proxy asks from; the dashboard believes nobody else."""


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[int]:
    """`serve` as the command has it, behind PROXY; its port."""
    url = f"sqlite:///{tmp_path / 'records.db'}"
    engine = open_engine(url)
    upgrade(engine)
    add_user(engine, "mara", Role.ADMIN, PASSWORD, actor="test")
    engine.dispose()
    (port,) = free_ports(1)
    code = (
        "from contracts.database import open_engine; from dashboard.server import serve\n"
        "from dashboard.backend import Backend; from contracts.settings import Settings\n"
        f"settings = Settings(dashboard_proxies='{PROXY}', home={json.dumps(str(tmp_path))})\n"
        f"serve(Backend(open_engine({json.dumps(url)}), settings), host='127.0.0.1', port={port},\n"
        "    prefix='/moodline/', sign_in=True)"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        poll(lambda: _answers(port))
        yield port
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def proxy(dashboard: int) -> Iterator[str]:
    """Passes all on below /moodline/, and says who asked, and that it was by https."""

    class Forward(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def forward(self) -> None:
            there = http.client.HTTPConnection(
                "127.0.0.1", dashboard, timeout=30, source_address=(PROXY, 0)
            )
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said = {"X-Forwarded-Proto": "https", "X-Forwarded-For": self.client_address[0]}
            # Of a client that says so already it would be the second one: the last is the proxy's.
            headers = {**dict(self.headers.items()), **said, "Connection": "close"}
            if not self.path.startswith("/moodline/"):
                self.send_error(502)
                return
            there.request(self.command, self.path, body or None, headers)
            answer = there.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"transfer-encoding", "connection", "date"}:
                    self.send_header(name, value)
            self.end_headers()
            try:
                while piece := answer.read1(65_536):
                    self.wfile.write(piece)
            except OSError:
                pass  # The browser went on to another page.
            there.close()

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return self.forward
            raise AttributeError(name)

        def log_message(self, *_given: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Forward)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()


def _answers(port: int) -> bool:
    try:
        return ask(f"http://127.0.0.1:{port}", "/healthz").status == 200
    except OSError:
        return False


def test_who_is_no_proxy_is_not_believed(dashboard: int, proxy: str) -> None:
    def guess(address: str, password: str = "guess") -> http.client.HTTPResponse:
        body = urllib.parse.urlencode({"name": "mara", "password": password})
        kind = "application/x-www-form-urlencoded"
        return ask(
            address,
            "/moodline/login",
            "POST",
            body,
            Content_Type=kind,
            X_Forwarded_Proto="https",
            X_Forwarded_For="192.0.2.7",
        )

    direct = guess(f"http://127.0.0.1:{dashboard}", PASSWORD)
    assert direct.status == 303
    assert "secure" not in (direct.getheader("set-cookie") or "").lower()
    assert "; secure" in (guess(proxy, PASSWORD).getheader("set-cookie") or "").lower()
