"""The dashboard's server: unknown addresses and a clean stop."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, expect

from contracts.settings import Settings
from records.database import open_engine
from records.schema import upgrade
from serving.backend import Backend
from tests.e2e.commands import TIMEOUT_S, poll
from tests.http_client import ask
from tests.pages import patient_page, serving
from tests.rtsp import free_ports


def test_an_unknown_address_shows_a_not_found_page(browser: Browser, tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    with (
        serving(Backend(engine, Settings())) as address,
        browser.new_context() as viewer,
        patient_page(viewer) as page,
    ):
        answer = page.goto(f"{address}/no/such/page")
        assert answer is not None and answer.status == 404
        expect(page.locator("#page h1")).to_have_text("Not found")
        expect(page.locator("#page")).to_contain_text("There is no page at this address")
        page.get_by_role("link", name="Trends").click()
        expect(page.locator("#page h1")).to_have_text("Trends")
        missing = ask(address, "/assets/nothing.png", Accept="image/png")
        assert missing.status == 404
        assert "html" not in (missing.getheader("content-type") or "")
    engine.dispose()


def test_the_server_runs_until_sigterm(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    url = json.dumps(f"sqlite:///{tmp_path / 'records.db'}")
    code = (
        "from records.database import open_engine; from dashboard.server import serve\n"
        "from serving.backend import Backend; from contracts.settings import Settings\n"
        f"backend = Backend(open_engine({url}), Settings())\n"
        f"serve(backend, host='127.0.0.1', port={port}); print('stopped')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        poll(lambda: _answers(f"http://127.0.0.1:{port}"))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (0, "stopped\n", "")


def _answers(address: str) -> bool:
    try:
        return ask(address, "/healthz").status == 200
    except OSError:
        return False
