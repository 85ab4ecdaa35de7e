"""Sign-in of the owner by a link, against other users and processes of the host."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from contracts.errors import SettingsError
from contracts.settings import Settings
from dashboard.server import serve
from moodline.services.sign_in_links import open_in_browser
from records.users.owner_links import LINK_LIFETIME_S, create_link
from serving.backend import Backend
from tests.e2e.commands import TIMEOUT_S, Installation, poll
from tests.http_client import ask, cookie_of, cookies_of, json_of, post
from tests.rtsp import free_ports


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("owner") / "home"


@pytest.fixture(scope="module")
def own_dashboard(home: Path) -> Iterator[str]:
    """`moodline dashboard` on loopback, as a person starts it; yield its address."""
    (port,) = free_ports(1)
    environment = Installation(home).environment()
    command = [sys.executable, "-m", "moodline", "dashboard", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    address = f"http://127.0.0.1:{port}"
    try:
        poll(lambda: answers(address))
        yield address
    finally:
        process.terminate()
        _, log = process.communicate(timeout=TIMEOUT_S)
    assert "moodline user link" in log and "link=" not in log, "others may read a log"


def answers(address: str) -> bool:
    try:
        return ask(address, "/healthz").status == 200
    except OSError:
        return False


def test_loopback_is_no_identity(own_dashboard: str, tmp_path: Path) -> None:
    secret = tmp_path / "id_rsa"
    secret.write_text("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert post(own_dashboard, "/api/recordings/folder", "", path=str(secret)).status == 401
    for path in ("/api/recordings/list", "/api/system/overview", "/api/now/events", "/trends"):
        assert ask(own_dashboard, path).status == 401
    assert ask(own_dashboard, "/healthz").status == 200


def test_a_link_signs_the_owner_in_once(own_dashboard: str, home: Path) -> None:
    link = f"/login?link={create_link(home)}&next=%2Ftrends"
    answer = ask(own_dashboard, link)
    assert answer.status == 303 and answer.getheader("location") == "/trends"
    assert answer.getheader("referrer-policy") == "no-referrer"
    cookie = cookie_of(answer)
    account = json_of(ask(own_dashboard, "/api/account", Cookie=cookie))
    assert (account["name"], account["role"], account["has_password"]) == ("owner", "admin", False)
    assert ask(own_dashboard, link).status == 401
    again = ask(own_dashboard, link, Cookie=cookie)
    assert again.status == 303, "a reload by the signed-in owner is no error"
    rebound = ask(own_dashboard, "/api/account", Cookie=cookie, Host="evil.example")
    assert rebound.status == 403, "the host check stays"


def test_guessed_old_and_foreign_links_are_refused(
    own_dashboard: str, home: Path, tmp_path: Path
) -> None:
    before = {*(home / "sign-in-links").glob("*")}
    old = create_link(home)
    (file,) = {*(home / "sign-in-links").iterdir()} - before
    os.utime(file, (file.stat().st_atime, file.stat().st_mtime - LINK_LIFETIME_S))
    foreign = create_link(tmp_path / "another-home")
    for link in (old, foreign, file.name, "x" * 5000, "..%2f..%2fmoodline.db", "%00"):
        answer = ask(own_dashboard, f"/login?link={link}")
        assert answer.status in {401, 404} and not cookies_of(answer)


def test_only_the_owner_can_read_a_link(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    token = create_link(home)
    open_in_browser(home, f"http://127.0.0.1:1/login?link={token}")
    folder = home / "sign-in-links"
    assert folder.stat().st_mode & 0o077 == 0
    for path in (*folder.iterdir(), home / "open-dashboard.html"):
        assert path.stat().st_mode & 0o077 == 0
    assert all(token not in path.name and not path.read_bytes() for path in folder.iterdir())
    assert token not in opened[0], "all users of the host see the arguments of a browser"


def test_sign_in_can_be_off_on_loopback_only(sqlite_engine: Engine) -> None:
    with pytest.raises(SettingsError, match="requires sign-in"):
        serve(Backend(sqlite_engine, Settings()), host="0.0.0.0", port=0, sign_in=False)
