"""Who may ask the dashboard, and what every answer carries."""

import asyncio
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.responses import PlainTextResponse

from contracts.errors import SettingsError
from contracts.settings import Settings
from dashboard.app import create_app
from dashboard.server import serve
from dashboard.web.access import present
from dashboard.web.backend import Backend
from dashboard.web.guard import Guard, security_headers
from dashboard.web.page import MOST_BODY
from dashboard.web.sign_in import COOKIE, SignIn
from records.database import open_engine
from records.schema import upgrade
from records.users.accounts import add_user, authenticate
from records.users.roles import Role
from records.users.sessions import open_session
from tests.rtsp import free_ports

HEADERS = security_headers(["'sha256-x'"])
PASSWORD = "correct horse battery"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    return engine


def ask(
    sign_in: SignIn | None = None,
    *,
    path: str = "/",
    method: str = "GET",
    kind: str = "http",
    **headers: str,
) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of the guard's answer; behind it everybody is told who they are."""

    async def fine(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse(f"{present().name}/{present().role}")(scope, receive, send)

    guard = Guard(fine, headers=HEADERS, sign_in=sign_in)
    given = {"host": "localhost:8050"} | headers
    raw = [
        (name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in given.items()
    ]
    scope = {"type": kind, "path": path, "method": method, "headers": raw, "query_string": b"a=1"}
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    asyncio.run(guard(scope, receive, send))
    start = sent[0]
    if "status" not in start:
        return int(start["code"]), {}, ""
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], found, b"".join(one.get("body", b"") for one in sent[1:]).decode()


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8050", "[::1]", "[::1]:9"])
def test_this_hosts_own_names_are_answered(host: str) -> None:
    assert ask(host=host)[::2] == (200, "/admin")


@pytest.mark.parametrize(
    "host", ["evil.example", "", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]:80"]
)
def test_another_name_is_refused(host: str) -> None:
    assert ask(host=host)[0] == 403


def test_who_is_signed_in_may_ask_under_any_name(engine: Engine) -> None:
    add_user(engine, "Mara", Role.OPERATOR, PASSWORD, actor="test")
    who = authenticate(engine, "mara", PASSWORD)
    assert who is not None
    cookie = f"other=1; {COOKIE}={open_session(engine, who)}"
    sign_in = SignIn(engine, "/")
    assert ask(sign_in, host="moodline.example", cookie=cookie)[::2] == (200, "mara/operator")


@pytest.mark.parametrize("cookie", ["", f"{COOKIE}=", f"{COOKIE}=x", f'{COOKIE}="', "\xff=;;=\x01"])
def test_who_is_not_is_sent_to_the_form_or_told(engine: Engine, cookie: str) -> None:
    sign_in = SignIn(engine, "/")
    status, _, body = ask(sign_in, cookie=cookie)
    assert status == 401 and "signed out" in body
    status, headers, _ = ask(sign_in, cookie=cookie, accept="text/html", path="/trends")
    assert (status, headers["location"]) == (303, "/login?next=%2Ftrends%3Fa%3D1")
    assert ask(sign_in, cookie=cookie, accept="text/html", method="POST", content_length="1")[
        0
    ] == (401)


@pytest.mark.parametrize("path", ["/healthz", "/login", "/assets/base.css"])
def test_health_the_form_and_its_looks_are_open(engine: Engine, path: str) -> None:
    assert ask(SignIn(engine, "/"), path=path)[0] == 200


def test_without_a_database_nobody_is_let_in() -> None:
    sign_in = SignIn(open_engine("sqlite:////nowhere/records.db"), "/")
    assert ask(sign_in, cookie=f"{COOKIE}=x")[0] == 503


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "same-site", "origin": "http://localhost:8050"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:8051"},
    ],
)
def test_what_another_site_sends_is_refused(headers: dict[str, str]) -> None:
    assert ask(method="POST", content_length="1", **headers)[0] == 403
    assert ask(method="DELETE", content_length="1", **headers)[0] == 403
    assert ask(**headers)[0] == 200, "links from elsewhere may lead here"


@pytest.mark.parametrize(
    "headers",
    [{}, {"sec_fetch_site": "same-origin"}, {"origin": "http://localhost:8050"}],
)
def test_what_this_site_sends_is_not(headers: dict[str, str]) -> None:
    assert ask(method="POST", content_length="1", **headers)[0] == 200


@pytest.mark.parametrize("length", ["", "-1", "1e3", str(MOST_BODY + 1), "9" * 5000])
def test_a_body_without_a_small_length_is_refused(length: str) -> None:
    assert ask(method="POST", content_length=length)[0] == 413
    assert ask(method="POST", content_length="17")[0] == 200
    assert ask(method="DELETE")[0] == 200
    assert ask(method="POST", transfer_encoding="chunked")[0] == 413


def test_every_answer_carries_the_headers(engine: Engine) -> None:
    for status, headers, _ in (ask(), ask(host="evil.example"), ask(SignIn(engine, "/"))):
        assert "script-src 'self' 'sha256-x';" in headers["content-security-policy"], status
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_websockets_are_refused() -> None:
    assert ask(kind="websocket")[0] == 1008


def test_beyond_this_host_somebody_must_be_able_to_sign_in(engine: Engine) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        with pytest.raises(SettingsError) as caught:
            serve(Backend(engine, Settings()), host=host, port=0)
        assert "moodline user add" in caught.value.hint
    with pytest.raises(SettingsError):
        serve(Backend(engine, Settings()), host="127.0.0.1", port=0, sign_in=True)


@pytest.mark.parametrize("prefix", ["", "x", "/x", "//", "/a b/", "/{x}/"])
def test_a_prefix_is_a_path(prefix: str) -> None:
    with pytest.raises(SettingsError, match="prefix"):
        create_app(Backend(open_engine("sqlite://"), Settings()), prefix=prefix)


def test_a_port_that_is_taken_is_said() -> None:
    import socket

    (port,) = free_ports(1)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(SettingsError, match="listen"):
        serve(Backend(open_engine("sqlite://"), Settings()), host="127.0.0.1", port=port)
