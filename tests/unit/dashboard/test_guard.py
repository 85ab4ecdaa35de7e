"""The guard admits the right requests, and every response has the security headers."""

import pytest

from contracts.errors import SettingsError
from contracts.settings import Settings
from dashboard.app import create_app
from dashboard.web.page import MAX_BODY_BYTES
from dashboard.web.sign_in.cookies import COOKIE
from dashboard.web.sign_in.gate import SignIn
from records.database import open_engine
from serving.backend import Backend
from tests.guard_requests import ask_guard


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8050", "[::1]", "[::1]:9"])
def test_this_hosts_own_names_are_admitted(host: str) -> None:
    assert ask_guard(host=host)[::2] == (200, "/admin")


@pytest.mark.parametrize(
    "host", ["evil.example", "", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]:80"]
)
def test_another_host_name_is_refused(host: str) -> None:
    assert ask_guard(host=host)[0] == 403


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
    assert ask_guard(method="POST", content_length="1", **headers)[0] == 403
    assert ask_guard(method="DELETE", content_length="1", **headers)[0] == 403
    assert ask_guard(**headers)[0] == 200, "links of other sites work"


@pytest.mark.parametrize(
    "headers",
    [{}, {"sec_fetch_site": "same-origin"}, {"origin": "http://localhost:8050"}],
)
def test_a_change_sent_by_our_pages_is_admitted(headers: dict[str, str]) -> None:
    assert ask_guard(method="POST", content_length="1", **headers)[0] == 200


@pytest.mark.parametrize("length", ["", "-1", "1e3", str(MAX_BODY_BYTES + 1), "9" * 5000])
def test_a_body_without_a_small_length_is_refused(length: str) -> None:
    assert ask_guard(method="POST", content_length=length)[0] == 413
    assert ask_guard(method="POST", content_length="17")[0] == 200
    assert ask_guard(method="DELETE")[0] == 200
    assert ask_guard(method="POST", transfer_encoding="chunked")[0] == 413


def test_without_a_database_nobody_is_admitted() -> None:
    sign_in = SignIn(open_engine("sqlite:////nowhere/records.db"), "/", Settings())
    assert ask_guard(sign_in, cookie=f"{COOKIE}_8050=x")[0] == 503


def test_every_response_has_the_security_headers() -> None:
    signed_out = SignIn(open_engine("sqlite:////nowhere/records.db"), "/", Settings())
    for status, headers, _ in (ask_guard(), ask_guard(host="evil.example"), ask_guard(signed_out)):
        assert "script-src 'self' 'sha256-x';" in headers["content-security-policy"], status
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_websockets_are_refused() -> None:
    assert ask_guard(kind="websocket")[0] == 1008


@pytest.mark.parametrize("prefix", ["", "x", "/x", "//", "/a b/", "/{x}/"])
def test_an_invalid_prefix_is_an_error(prefix: str) -> None:
    with pytest.raises(SettingsError, match="prefix"):
        create_app(Backend(open_engine("sqlite://"), Settings()), prefix=prefix)
