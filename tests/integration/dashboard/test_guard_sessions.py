"""The guard with sign-in: sessions, requests without one, and paths that need none."""

import pytest
from sqlalchemy import Engine

from contracts.settings import Settings
from dashboard.web.sign_in.cookies import COOKIE
from dashboard.web.sign_in.gate import SignIn
from records.users.accounts import add_user, authenticate
from records.users.roles import Role
from records.users.sessions import open_session
from tests.guard_requests import ask_guard

PASSWORD = "correct horse battery"


def test_a_signed_in_user_may_use_any_host_name(sqlite_engine: Engine) -> None:
    add_user(sqlite_engine, "Mara", Role.OPERATOR, PASSWORD, actor="test")
    user = authenticate(sqlite_engine, "mara", PASSWORD)
    assert user is not None
    cookie = f"other=1; {COOKIE}={open_session(sqlite_engine, user)}"
    sign_in = SignIn(sqlite_engine, "/", Settings())
    asked = ask_guard(sign_in, host="moodline.example", any_host=True, cookie=cookie)
    assert asked[::2] == (200, "mara/operator")


@pytest.mark.parametrize(
    "cookie", ["", f"{COOKIE}_8050=", f"{COOKIE}_8050=x", f'{COOKIE}_8050="', "\xff=;;=\x01"]
)
def test_a_request_without_session_gets_401_and_a_page_the_form(
    sqlite_engine: Engine, cookie: str
) -> None:
    sign_in = SignIn(sqlite_engine, "/", Settings())
    status, headers, body = ask_guard(sign_in, cookie=cookie)
    assert status == 401 and "signed out" in body
    assert "script-src 'self' 'sha256-x';" in headers["content-security-policy"]
    status, headers, _ = ask_guard(sign_in, cookie=cookie, accept="text/html", path="/trends")
    assert (status, headers["location"]) == (303, "/login?next=%2Ftrends%3Fa%3D1")
    assert ask_guard(sign_in, cookie=cookie, accept="text/html", method="POST", content_length="1")[
        0
    ] == (401)


@pytest.mark.parametrize("path", ["/healthz", "/login", "/assets/base.css"])
def test_health_the_form_and_static_files_need_no_sign_in(sqlite_engine: Engine, path: str) -> None:
    assert ask_guard(SignIn(sqlite_engine, "/", Settings()), path=path)[0] == 200
