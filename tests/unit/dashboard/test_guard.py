"""Who may ask the dashboard, and what every answer carries."""

import asyncio
import base64
from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from contracts.database import open_engine
from contracts.errors import SettingsError
from contracts.settings import Settings
from dashboard.app import create_app
from dashboard.backend import Backend
from dashboard.guard import Guard, security_headers
from dashboard.pages import MOST_BODY
from dashboard.server import serve
from tests.rtsp import free_ports

HEADERS = security_headers(["'sha256-x'"])


def ask(
    password: str = "", *, path: str = "/", method: str = "GET", kind: str = "http", **headers: str
) -> tuple[int, dict[str, str]]:
    """Status and headers of the guard's answer; behind it everything is fine."""
    guard = Guard(PlainTextResponse("fine"), headers=HEADERS, password=password)
    given = {"host": "localhost:8050"} | headers
    raw = [
        (name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in given.items()
    ]
    scope = {"type": kind, "path": path, "method": method, "headers": raw, "query_string": b""}
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    asyncio.run(guard(scope, receive, send))
    start = sent[0]
    if "status" not in start:
        return int(start["code"]), {}
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8050", "[::1]", "[::1]:9"])
def test_this_hosts_own_names_are_answered(host: str) -> None:
    assert ask(host=host)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]:80"]
)
def test_another_name_is_refused(host: str) -> None:
    assert ask(host=host)[0] == 403
    assert ask("secret", host=host, authorization=basic("me:secret"))[0] == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic !",
        basic(""),
        basic("secret"),
        basic("me:secret "),
        "Bearer secret",
        basic("me:Secret"),
        "Basic /w==",
        "Basic \xff",
    ],
)
def test_without_the_password_nothing_but_health_is_answered(authorization: str) -> None:
    status, headers = ask("secret", authorization=authorization)
    assert status == 401 and headers["www-authenticate"].startswith("Basic ")
    assert ask("secret", path="/healthz", authorization=authorization)[0] == 200


@pytest.mark.parametrize("password", ["secret", "a:b", "käse ☕"])
def test_any_user_name_goes_with_the_password(password: str) -> None:
    for user in ("", "me", "käse"):
        assert ask(password, authorization=basic(f"{user}:{password}"))[0] == 200


@pytest.mark.parametrize("length", ["", "-1", "1e3", str(MOST_BODY + 1), "9" * 5000])
def test_a_body_without_a_small_length_is_refused(length: str) -> None:
    assert ask(method="POST", content_length=length)[0] == 413
    assert ask(method="POST", content_length="17")[0] == 200


def test_every_answer_carries_the_headers() -> None:
    for status, headers in (ask(), ask(host="evil.example"), ask("secret")):
        assert "script-src 'self' 'sha256-x';" in headers["content-security-policy"], status
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_websockets_are_refused() -> None:
    assert ask(kind="websocket")[0] == 1008


def test_beyond_this_host_it_needs_a_password() -> None:
    engine = open_engine("sqlite://")
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        with pytest.raises(SettingsError) as caught:
            serve(Backend(engine, Settings()), host=host, port=0)
        assert "MOODLINE_DASHBOARD_PASSWORD" in caught.value.hint


@pytest.mark.parametrize("prefix", ["", "x", "/x", "//", "/a b/", "/{x}/"])
def test_a_prefix_is_a_path(prefix: str) -> None:
    with pytest.raises(SettingsError, match="prefix"):
        create_app(Backend(open_engine("sqlite://"), Settings()), prefix=prefix)


def test_a_port_that_is_taken_is_said() -> None:
    import socket

    (port,) = free_ports(1)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(SettingsError, match="listen"):
        serve(Backend(open_engine("sqlite://"), Settings()), host="127.0.0.1", port=port)
