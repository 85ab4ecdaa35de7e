"""The dashboard behind a reverse proxy and a path prefix: whose forwarded headers are trusted."""

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
from playwright.sync_api import expect

from contracts.times import utc_now
from dashboard.app import PAGES
from moodline.demo.generated_month import write_month
from records.database import open_engine
from records.schema import upgrade
from records.users.accounts import add_user
from records.users.roles import Role
from tests.browser import chromium
from tests.e2e.commands import TIMEOUT_S, poll
from tests.http_client import PASSWORD, ask
from tests.pages import quiet_page
from tests.rows import FaceSpec, write_run
from tests.rtsp import free_ports

PROXY = "127.0.0.2"
"""The address of the proxy, the only one whose headers the dashboard trusts."""


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[int]:
    """Run `serve` with the settings of the command, behind PROXY; yield its port."""
    url = f"sqlite:///{tmp_path / 'records.db'}"
    engine = open_engine(url)
    upgrade(engine)
    add_user(engine, "mara", Role.ADMIN, PASSWORD, actor="test")
    engine.dispose()
    (port,) = free_ports(1)
    code = (
        "from records.database import open_engine; from dashboard.server import serve\n"
        "from serving.backend import Backend; from contracts.settings import Settings\n"
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
        process.wait(TIMEOUT_S)


@pytest.fixture
def proxy(dashboard: int) -> Iterator[str]:
    """Run a proxy that forwards /moodline/, as asked for by https; yield the proxy's address."""

    class Forward(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def forward(self) -> None:
            upstream = http.client.HTTPConnection(
                "127.0.0.1", dashboard, timeout=TIMEOUT_S, source_address=(PROXY, 0)
            )
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": self.client_address[0]}
            # A client may send these headers too. The last value must be the proxy's.
            headers = {**dict(self.headers.items()), **forwarded, "Connection": "close"}
            if not self.path.startswith("/moodline/"):
                self.send_error(502)
                return
            upstream.request(self.command, self.path, body or None, headers)
            answer = upstream.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"transfer-encoding", "connection", "date"}:
                    self.send_header(name, value)
            self.end_headers()
            try:
                while piece := answer.read1(65_536):
                    self.wfile.write(piece)
            except OSError:
                pass  # The browser left the page.
            upstream.close()

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


def test_forwarded_headers_are_trusted_only_from_the_proxy(dashboard: int, proxy: str) -> None:
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


SHOWN = {
    "now": "No live source yet.",
    "trends": "library (generated)",
    "alerts": "No rules yet: nothing is watched.",
    "recordings": "interview.mp4",
    "try": "Drop an image here",
    "sources": "No live source yet",
    "system": "Who signed in, changed, viewed, exported or erased what",
}


@pytest.mark.slow
def test_every_page_works_behind_a_proxy_and_a_prefix(proxy: str, tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    write_month(engine, utc_now())
    write_run(
        engine, "seen", {n: [FaceSpec(1, "happy")] for n in range(40)}, source="interview.mp4"
    )
    engine.dispose()
    base = f"{proxy}/moodline/"
    with (
        chromium() as browser,
        browser.new_context() as viewer,
        quiet_page(viewer, base) as page,
    ):
        page.goto(f"{base}trends?from=now-7d&to=now")
        page.get_by_label("Name").fill("mara")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("figure:visible .main-svg").first).to_be_visible()
        assert page.url == f"{base}trends?from=now-7d&to=now", "the requested page"
        cookies = viewer.cookies()
        assert all(one["secure"] and one["httpOnly"] for one in cookies)
        assert sorted(one["path"] for one in cookies) == ["/moodline/", "/moodline/login"]
        for one in (page for page in PAGES if page.in_menu):
            page.get_by_role("link", name=one.name, exact=True).click()
            expect(page.locator("#page h1")).to_have_text(one.name)
            assert page.url.startswith(f"{base}{one.path}")
            expect(page.locator(f".place-{one.path}")).to_have_attribute("aria-current", "page")
            expect(page.locator("#page")).to_contain_text(SHOWN[one.path])
            if one.path == "system":  # Its status needs the command `dashboard`.
                expect(page.get_by_role("alert").first).to_contain_text("cannot do that")
            else:
                assert not set(page.get_by_role("alert").all_inner_texts()) - {""}
        page.get_by_role("link", name="Trends", exact=True).click()
        expect(page.locator(".heat-map")).to_be_visible()
        page.get_by_text("7 d", exact=True).click()
        with page.expect_download() as sheet:
            page.get_by_role("link", name="CSV").click()
        assert sheet.value.url.startswith(f"{base}api/trends/csv?")
        page.get_by_role("link", name="Recordings", exact=True).click()
        page.locator(".runs").get_by_role("link", name="interview.mp4").click()
        expect(page.locator(".lane canvas").first).to_be_visible()
        page.reload()
        expect(page.locator(".lane canvas").first).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Password")).to_be_visible()
        assert page.url.startswith(f"{base}login")
