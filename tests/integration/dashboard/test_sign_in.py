"""Sign-in over HTTP: routes without a session, roles, cookies and throttling."""

import json
import queue
import re
import threading
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from contracts.settings import Settings
from dashboard.app import create_app
from dashboard.web.sign_in.throttle import Throttle
from records.users.accounts import add_user
from records.users.roles import Role
from serving.backend import Backend
from serving.password_checks import MAX_PENDING
from tests.dashboard_routes import every_route
from tests.e2e.commands import poll
from tests.http_client import PASSWORD, TIMEOUT_S, ask, cookie_of, sign_in
from tests.pages import serving

GUESSES = 60
"""More than the 40 threads of the server."""


@pytest.fixture
def engine(sqlite_engine: Engine) -> Engine:
    add_user(sqlite_engine, "mara", Role.ADMIN, PASSWORD, actor="test")
    add_user(sqlite_engine, "vic", Role.VIEWER, PASSWORD, actor="test")
    return sqlite_engine


@pytest.fixture
def address(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A dashboard with sign-in. The clock of its throttle stands still: waits do not end."""
    stopped = partial(Throttle, clock=lambda: 1000.0)
    monkeypatch.setattr("dashboard.web.sign_in.gate.Throttle", stopped)
    settings = Settings(home=tmp_path, dashboard_password="the setting's own words")
    with serving(Backend(engine, settings), sign_in=True) as one:
        yield one


def routes_of(engine: Engine) -> list[tuple[str, str]]:
    """Return (method, path) of all routes; each parameter is "x"."""
    app = create_app(Backend(engine, Settings()), sign_in=True)
    return [(method, re.sub(r"\{[^}]*\}", "x", path)) for method, path in every_route(app)]


def test_every_route_but_login_health_and_assets_needs_a_session(
    address: str, engine: Engine
) -> None:
    routes = routes_of(engine)
    assert len(routes) >= 15 and ("POST", "/_dash-update-component") in routes
    assert ("GET", "/api/now/events") in routes and ("POST", "/api/now/demo") in routes
    open_ = []
    for method, path in routes:
        answer = ask(address, path, method, "{}" if method == "POST" else "")
        reason = b"unauthenticated" if path.startswith("/api/v1/") else b"signed out"
        refused = answer.status == 401 and (method == "HEAD" or reason in answer.read())
        if not refused:
            open_.append((method, path))
    assert {path for _, path in open_} == {
        *("/healthz", "/readyz", "/login", "/language"),
        *{path for _, path in routes if path.startswith(("/assets", "/_dash-component-suites"))},
    }, open_


def test_a_viewer_is_refused_the_actions_of_an_operator(address: str) -> None:
    cookie = cookie_of(sign_in(address, "vic", PASSWORD))
    refused = ask(address, "/api/now/demo", "POST", "{}", Cookie=cookie)
    assert refused.status == 403 and b"role operator" in refused.read()
    crossing = ask(address, "/logout", "POST", "", Cookie=cookie, Sec_Fetch_Site="cross-site")
    assert crossing.status == 403, "another site cannot sign a user out"
    assert ask(address, "/logout", "POST", "", Cookie=cookie).status == 303
    assert ask(address, "/api/now/demo", "POST", "{}", Cookie=cookie).status == 401


OPEN_TO_VIEWERS = {
    # It stores nothing.
    ("POST", "/api/try/read"),
    # Each user's own password, second factor and sessions.
    ("POST", "/api/account/password"),
    ("POST", "/api/account/sessions/end"),
    ("POST", "/api/account/second-factor"),
    ("POST", "/api/account/second-factor/confirm"),
    ("POST", "/api/account/second-factor/remove"),
    # Each user's own saved views.
    ("POST", "/api/trends/views"),
    ("POST", "/api/trends/views/x"),
    ("DELETE", "/api/trends/views/x"),
}


def test_every_changing_route_refuses_a_viewer(address: str, engine: Engine) -> None:
    cookie = cookie_of(sign_in(address, "vic", PASSWORD))
    changing = [
        (method, path)
        for method, path in routes_of(engine)
        if path.startswith("/api/") and method not in {"GET", "HEAD"}
    ]
    assert len(changing) >= 10
    answered = {
        one: ask(address, one[1], one[0], "{}", Cookie=cookie, Content_Type="application/json")
        for one in changing
    }
    allowed = {one for one, answer in answered.items() if answer.status != 403}
    assert allowed <= OPEN_TO_VIEWERS, {one: answered[one].status for one in allowed}


def test_a_viewer_saves_views_and_an_administrator_shares_them(address: str) -> None:
    cookies = {name: cookie_of(sign_in(address, name, PASSWORD)) for name in ("vic", "mara")}

    def send(user: str, path: str, **asked: object) -> tuple[int, Any]:
        headers = {"Cookie": cookies[user], "Content_Type": "application/json"}
        sent = ("POST", json.dumps(asked)) if asked else ("GET", "")
        answer = ask(address, path, *sent, **headers)
        return answer.status, json.loads(answer.read())

    _, answer = send("vic", "/api/trends/views", name="Mine", query="?rank=nothing&from=now-7d")
    (mine,) = answer["views"]
    assert not answer["shares"] and mine["query"] == "?from=now-7d&to=now&mode=share"
    assert send("vic", f"/api/trends/views/{mine['id']}", shared=True)[0] == 403
    assert send("mara", f"/api/trends/views/{mine['id']}", shared=True)[0] == 400
    _, answer = send("mara", "/api/trends/views", name="All", query="", shared=True)
    assert answer["shares"] and [one["name"] for one in answer["views"]] == ["All"]
    _, answer = send("vic", "/api/trends/views")
    assert [(one["name"], one["mine"]) for one in answer["views"]] == [
        ("All", False),
        ("Mine", True),
    ]
    assert send("vic", f"/api/trends/views/{answer['views'][0]['id']}", name="x")[0] == 403


def test_the_cookie_is_http_only_same_site_and_secure_behind_https(address: str) -> None:
    answer = sign_in(address, "mara", PASSWORD, "https://evil.example/")
    assert answer.status == 303 and answer.getheader("location") == "/"
    said = (answer.getheader("set-cookie") or "").lower()
    assert "httponly" in said and "samesite=lax" in said and "secure" not in said
    body = urllib.parse.urlencode({"name": "admin", "password": "the setting's own words"})
    behind = ask(
        address, "/login", "POST", body, X_Forwarded_Proto="https", X_Forwarded_For="192.0.2.7"
    )
    assert "; secure" in (behind.getheader("set-cookie") or "").lower()


def test_repeated_failures_are_throttled(address: str) -> None:
    statuses = [sign_in(address, f"nobody{turn % 2}", "guess").status for turn in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    slowed = sign_in(address, "mara", PASSWORD)
    assert slowed.status == 429 and int(slowed.getheader("retry-after") or 0) >= 1
    assert b"Try again in" in slowed.read()


def test_a_burst_of_attempts_is_throttled_and_holds_no_server_thread(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks, released = queue.Queue[str](), threading.Event()

    def slow_check(engine: Engine, name: str, password: str, *, setting: str = "") -> None:
        checks.put(name)
        assert released.wait(TIMEOUT_S)

    monkeypatch.setattr("dashboard.web.sign_in.gate.authenticate", slow_check)
    with ThreadPoolExecutor(GUESSES) as guesses:
        try:
            answers = [guesses.submit(sign_in, address, "mara", "guess") for _ in range(GUESSES)]
            for _ in range(2):
                checks.get(timeout=TIMEOUT_S)
            assert ask(address, "/login").status == 200, "answered while the guesses wait"
            # All have arrived: those that found no place are answered.
            poll(lambda: sum(one.done() for one in answers) == GUESSES - MAX_PENDING)
        finally:
            released.set()
        statuses = [one.result().status for one in answers]
    assert statuses.count(401) <= 7, "five are free, two are checked at once"
    assert statuses.count(401) + statuses.count(429) == MAX_PENDING
    assert statuses.count(503) == GUESSES - MAX_PENDING, "the others do not wait"
