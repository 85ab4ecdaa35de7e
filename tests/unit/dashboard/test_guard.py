"""The guard admits the right requests, and every response has the security headers."""

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
from dashboard.web.access import current_account
from dashboard.web.backend import Backend
from dashboard.web.guard import Guard, security_headers
from dashboard.web.page import MAX_BODY_BYTES
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
    """Return status, headers and body of the response; the application answers with the account."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse(f"{current_account().name}/{current_account().role}")(
            scope, receive, send
        )

    guard = Guard(application, headers=HEADERS, sign_in=sign_in)
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
def test_this_hosts_own_names_are_admitted(host: str) -> None:
    assert ask(host=host)[::2] == (200, "/admin")


@pytest.mark.parametrize(
    "host", ["evil.example", "", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]:80"]
)
def test_another_host_name_is_refused(host: str) -> None:
    assert ask(host=host)[0] == 403


def test_a_signed_in_user_may_use_any_host_name(engine: Engine) -> None:
    add_user(engine, "Mara", Role.OPERATOR, PASSWORD, actor="test")
    user = authenticate(engine, "mara", PASSWORD)
    assert user is not None
    cookie = f"other=1; {COOKIE}={open_session(engine, user)}"
    sign_in = SignIn(engine, "/")
    assert ask(sign_in, host="moodline.example", cookie=cookie)[::2] == (200, "mara/operator")


@pytest.mark.parametrize("cookie", ["", f"{COOKIE}=", f"{COOKIE}=x", f'{COOKIE}="', "\xff=;;=\x01"])
def test_a_request_without_session_gets_401_and_a_page_the_form(
    engine: Engine, cookie: str
) -> None:
    sign_in = SignIn(engine, "/")
    status, _, body = ask(sign_in, cookie=cookie)
    assert status == 401 and "signed out" in body
    status, headers, _ = ask(sign_in, cookie=cookie, accept="text/html", path="/trends")
    assert (status, headers["location"]) == (303, "/login?next=%2Ftrends%3Fa%3D1")
    assert ask(sign_in, cookie=cookie, accept="text/html", method="POST", content_length="1")[
        0
    ] == (401)


@pytest.mark.parametrize("path", ["/healthz", "/login", "/assets/base.css"])
def test_health_the_form_and_static_files_need_no_sign_in(engine: Engine, path: str) -> None:
    assert ask(SignIn(engine, "/"), path=path)[0] == 200


def test_without_a_database_nobody_is_admitted() -> None:
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
def test_a_change_sent_by_another_site_is_refused(headers: dict[str, str]) -> None:
    assert ask(method="POST", content_length="1", **headers)[0] == 403
    assert ask(method="DELETE", content_length="1", **headers)[0] == 403
    assert ask(**headers)[0] == 200, "links of other sites work"


@pytest.mark.parametrize(
    "headers",
    [{}, {"sec_fetch_site": "same-origin"}, {"origin": "http://localhost:8050"}],
)
def test_a_change_sent_by_our_pages_is_admitted(headers: dict[str, str]) -> None:
    assert ask(method="POST", content_length="1", **headers)[0] == 200


@pytest.mark.parametrize("length", ["", "-1", "1e3", str(MAX_BODY_BYTES + 1), "9" * 5000])
def test_a_body_without_a_small_length_is_refused(length: str) -> None:
    assert ask(method="POST", content_length=length)[0] == 413
    assert ask(method="POST", content_length="17")[0] == 200
    assert ask(method="DELETE")[0] == 200
    assert ask(method="POST", transfer_encoding="chunked")[0] == 413


def test_every_response_has_the_security_headers(engine: Engine) -> None:
    for status, headers, _ in (ask(), ask(host="evil.example"), ask(SignIn(engine, "/"))):
        assert "script-src 'self' 'sha256-x';" in headers["content-security-policy"], status
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_websockets_are_refused() -> None:
    assert ask(kind="websocket")[0] == 1008


def test_serving_beyond_loopback_needs_a_user(engine: Engine) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        with pytest.raises(SettingsError) as caught:
            serve(Backend(engine, Settings()), host=host, port=0)
        assert "moodline user add" in caught.value.hint
    with pytest.raises(SettingsError):
        serve(Backend(engine, Settings()), host="127.0.0.1", port=0, sign_in=True)


@pytest.mark.parametrize("prefix", ["", "x", "/x", "//", "/a b/", "/{x}/"])
def test_an_invalid_prefix_is_an_error(prefix: str) -> None:
    with pytest.raises(SettingsError, match="prefix"):
        create_app(Backend(open_engine("sqlite://"), Settings()), prefix=prefix)


def test_a_used_port_is_an_error() -> None:
    import socket

    (port,) = free_ports(1)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(SettingsError, match="listen"):
        serve(Backend(open_engine("sqlite://"), Settings()), host="127.0.0.1", port=port)
