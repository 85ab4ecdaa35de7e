"""The dashboard's server against slow, endless and greedy clients, and against any input."""

import http.client
import json
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import structlog
import trustme

from contracts.errors import SettingsError
from contracts.settings import Settings
from dashboard.web.limits.tls import tls_context
from records.database import open_engine
from records.schema import upgrade
from records.users.accounts import add_user
from records.users.roles import Role
from serving.backend import Backend
from serving.shares import STREAM
from tests.http_client import PASSWORD, TIMEOUT_S, ask, cookie_of, sign_in
from tests.pages import serving

MAX_CONNECTIONS = 40


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    home = tmp_path_factory.mktemp("home")
    engine = open_engine(f"sqlite:///{home / 'records.db'}")
    upgrade(engine)
    add_user(engine, "mara", Role.ADMIN, PASSWORD, actor="test")
    add_user(engine, "vic", Role.VIEWER, PASSWORD, actor="test")
    yield Backend(engine, Settings(home=home))
    engine.dispose()


@pytest.fixture(scope="module")
def address(backend: Backend) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dashboard.web.limits.http_server.MAX_CONNECTIONS", MAX_CONNECTIONS)
        with serving(backend, sign_in=True) as one:
            yield one


@pytest.fixture(scope="module")
def mara(address: str) -> str:
    return cookie_of(sign_in(address, "mara", PASSWORD))


@pytest.fixture(scope="module")
def vic(address: str) -> str:
    return cookie_of(sign_in(address, "vic", PASSWORD))


def connect(address: str, data: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", urlsplit(address).port or 0), TIMEOUT_S)
    client.sendall(data)
    return client


def rest_of(client: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    answer = b""
    try:
        while piece := client.recv(65_536):
            answer += piece
    except ConnectionResetError:
        pass
    return answer


# Connections


def test_an_endless_head_is_refused_after_16_kb(address: str) -> None:
    client = connect(address, b"GET / HTTP/1.1\r\nHost: localhost\r\n")
    with client, pytest.raises(OSError):
        for _ in range(10_000):
            client.sendall(b"a: " + b"b" * 10_000 + b"\r\n")


def test_a_complete_head_beyond_the_limit_is_refused_too(address: str) -> None:
    large = b"a: " + b"b" * 60_000 + b"\r\n\r\n"
    with connect(address, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + large) as client:
        assert b" 200 " not in rest_of(client)


def test_trickling_clients_leave_room_for_others(address: str) -> None:
    with ExitStack() as stack:
        slow = [
            stack.enter_context(connect(address, b"POST /login HTTP/1.1\r\nHost: localhost\r\nA: "))
            for _ in range(2 * MAX_CONNECTIONS)
        ]
        assert ask(address, "/login").status == 200
        assert rest_of(slow[0]) == b"", "the first of them made room"


def test_trickling_bodies_leave_room_for_others(address: str) -> None:
    head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n\r\nname="
    with ExitStack() as stack:
        for _ in range(2 * MAX_CONNECTIONS):
            stack.enter_context(connect(address, head))
        assert ask(address, "/login").status == 200


def test_a_body_that_stops_is_given_up(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.web.limits.deadlines.BODY_GRACE_S", 0.5)
    head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n\r\nname="
    with connect(address, head) as client:
        assert rest_of(client) == b""


def test_a_body_for_the_form_is_small(address: str) -> None:
    head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
    with connect(address, head) as client:
        assert client.recv(65_536).startswith(b"HTTP/1.1 413")


# Fair shares


def test_a_user_has_ten_event_streams_and_others_have_theirs(
    address: str, mara: str, vic: str
) -> None:
    with ExitStack() as stack:
        for _ in range(STREAM.each):
            stack.callback(open_stream(address, vic, 200).close)
        refused = open_stream(address, vic, 429)
        assert int(refused.getheader("retry-after") or 0) > 0
        assert "limit for one user" in json.loads(refused.read())["error"]
        assert ask(address, "/api/now/room", Cookie=vic).status == 429, "the page learns why"
        followed = ask(address, "/api/now/room", Cookie=vic, Accept="text/html")
        assert (followed.getheader("content-type") or "").startswith("text/plain")
        stack.callback(open_stream(address, mara, 200).close)
        assert ask(address, "/api/now/room", Cookie=mara).status == 200


def open_stream(address: str, cookie: str, status: int) -> http.client.HTTPResponse:
    answer = ask(address, "/api/now/events", Cookie=cookie)
    assert answer.status == status
    return answer


# Input


def _callback(**changes: object) -> str:
    body: dict[str, object] = {
        "output": "..page.children...account.children..",
        "outputs": [
            {"id": "page", "property": "children"},
            {"id": "account", "property": "children"},
        ],
        "inputs": [{"id": "location", "property": "pathname", "value": "/now"}],
        "changedPropIds": ["location.pathname"],
    }
    return json.dumps(body | changes)


JSON = "application/json"
INPUTS = {
    "eleven fields": ("POST", "/login", "&".join(f"a{one}=b" for one in range(11))),
    "bytes that are no text": ("POST", "/login", "name=%ff%fe&password=%00"),
    "NUL in a path": ("GET", "/assets/a%00b", ""),
    "NUL in a query": ("GET", "/api/trends/extras?zone=%00", ""),
    "a long name": ("GET", "/assets/" + "a" * 300, ""),
    "a long path": ("GET", "/" + "a/" * 4000, ""),
    "another process' root": ("POST", "/api/recordings/folder", '{"path": "/proc/1/root"}'),
    "no such package": ("GET", "/_dash-component-suites/os/path.py", ""),
    "bad JSON": ("POST", "/api/sources/add", '{"name": '),
    "deep JSON": ("POST", "/api/sources/add", "[" * 50_000),
    "a lone surrogate": ("POST", "/api/sources/pause", '{"name": "\\ud800"}'),
    "a huge number": ("POST", "/api/sources/add", '{"name": "a", "fps": 1e999}'),
    "a huge offset": ("PUT", "/api/recordings/upload/x?offset=" + "9" * 60, "x"),
    "not a part of a page": ("POST", "/_dash-update-component", "{}"),
    "an unknown part": ("POST", "/_dash-update-component", _callback(output="x.y")),
    "another property": ("POST", "/_dash-update-component", _callback(inputs=[])),
    "a number as address": (
        *("POST", "/_dash-update-component"),
        _callback(inputs=[{"id": "location", "property": "pathname", "value": 1}]),
    ),
    "no outputs": ("POST", "/_dash-update-component", _callback(outputs=[])),
}


@pytest.mark.parametrize("case", INPUTS)
def test_no_input_is_answered_with_500(address: str, mara: str, case: str) -> None:
    method, path, body = INPUTS[case]
    kind = "application/x-www-form-urlencoded" if path == "/login" else JSON
    answer = ask(address, path, method, body, Cookie=mara, Content_Type=kind)
    assert 400 <= answer.status < 500
    assert "default-src 'self'" in (answer.getheader("content-security-policy") or "")
    assert b"Traceback" not in answer.read()


def test_a_document_for_an_unknown_address_does_not_wait_for_a_body(
    address: str, mara: str
) -> None:
    """Dash is asked twice here, and reads the body each time. It waited for a second body."""
    answer = ask(
        address, "/_dash-nothing", "GET", "{}", Cookie=mara, Accept="text/html", Content_Type=JSON
    )
    assert answer.status == 404 and b"<html" in answer.read().lower()


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_no_method_may_bring_a_large_body(address: str, mara: str, method: str) -> None:
    answer = ask(address, "/trends", method, "", Cookie=mara, Content_Length="300000000")
    assert answer.status == 413


def test_an_origin_that_is_no_address_is_another_site(address: str, mara: str) -> None:
    answer = ask(address, "/api/sources/add", "POST", "{}", Cookie=mara, Origin="http://[")
    assert answer.status == 403


def test_an_unexpected_error_has_headers_and_no_traceback(
    address: str, mara: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    routes = sys.modules["dashboard.sources.routes"]
    monkeypatch.setattr(routes, "_sources_json", lambda _backend: 1 / 0)
    with structlog.testing.capture_logs() as logged:
        answer = ask(address, "/api/sources/list", Cookie=mara)
    assert answer.status == 500 and logged[0]["event"] == "a request failed"
    assert "default-src 'self'" in (answer.getheader("content-security-policy") or "")
    assert "log" in json.loads(answer.read())["error"]


# Caches and HTTPS


def test_browsers_store_static_files_only(address: str, mara: str) -> None:
    for path in ("/now", "/api/recordings/list", "/api/trends/csv", "/login", "/nothing"):
        assert ask(address, path, Cookie=mara).getheader("cache-control") == "no-store", path
    stored = ask(address, "/assets/base.css").getheader("cache-control")
    assert stored == "no-cache", "revalidated, by its ETag"


def test_hsts_is_sent_behind_https_only(address: str) -> None:
    assert ask(address, "/login").getheader("strict-transport-security") is None
    behind = ask(address, "/login", X_Forwarded_Proto="https", X_Forwarded_For="192.0.2.7")
    assert "max-age=" in (behind.getheader("strict-transport-security") or "")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """The files of a certificate for localhost, its key and its authority."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return folder / "cert.pem", folder / "key.pem", folder / "ca.pem"


def test_https_without_a_proxy(backend: Backend, certificate: tuple[Path, Path, Path]) -> None:
    cert, key, authority = certificate
    context = tls_context(str(cert), str(key))
    assert context is not None and context.minimum_version is ssl.TLSVersion.TLSv1_2
    trusted = ssl.create_default_context(cafile=authority)
    with serving(backend, tls=context, sign_in=True) as address:
        port = urlsplit(address).port
        with ExitStack() as stack:
            for _ in range(5):  # Without a handshake they hold nobody up.
                stack.enter_context(connect(address))
            secure = http.client.HTTPSConnection("localhost", port, context=trusted)
            secure.request("POST", "/login", f"name=mara&password={PASSWORD.replace(' ', '+')}")
            answer = secure.getresponse()
        assert answer.status == 303 and "; secure" in (answer.getheader("set-cookie") or "").lower()
        assert "max-age=" in (answer.getheader("strict-transport-security") or "")
        plain = http.client.HTTPConnection("localhost", port)
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            plain.request("GET", "/login")
            plain.getresponse()


def test_a_wrong_certificate_is_a_clear_error(
    certificate: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    cert, key, authority = map(str, certificate)
    assert tls_context("", "") is None
    for given, message in (
        ((cert, ""), "both"),
        (("", key), "both"),
        ((str(tmp_path / "none.pem"), key), "cannot read"),
        ((authority, key), "not a certificate and its key"),
        ((key, cert), "not a certificate and its key"),
    ):
        with pytest.raises(SettingsError, match=message):
            tls_context(*given)
