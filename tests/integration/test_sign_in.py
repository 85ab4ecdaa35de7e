"""Sign-in: every route without a session, the form in a browser, roles, and throttling."""

import http.client
import json
import re
import threading
import time
import urllib.parse
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine, delete
from starlette.routing import Mount

from contracts.settings import Settings
from dashboard.app import create_app
from dashboard.web.backend import Backend
from records.database import open_engine, transaction
from records.schema import upgrade
from records.tables.users import UserSession
from records.users.accounts import add_user
from records.users.roles import Role
from tests.e2e.commands import Installation, assert_plain_failure
from tests.pages import quiet_page, serving

PASSWORD = "correct horse battery"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    add_user(engine, "mara", Role.ADMIN, PASSWORD, actor="test")
    add_user(engine, "vic", Role.VIEWER, PASSWORD, actor="test")
    yield engine
    engine.dispose()


@pytest.fixture
def address(engine: Engine) -> Iterator[str]:
    settings = Settings(dashboard_password="the setting's")
    with serving(Backend(engine, settings), sign_in=True) as one:
        yield one


def ask(
    address: str, path: str, method: str = "GET", body: str = "", **headers: str
) -> http.client.HTTPResponse:
    place = urlsplit(address)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(
        method, path, body=body or None, headers={"Content-Length": str(len(body))} | given
    )
    return connection.getresponse()


def sign_in(address: str, name: str, password: str, after: str = "") -> http.client.HTTPResponse:
    body = urllib.parse.urlencode({"name": name, "password": password, "next": after})
    return ask(address, "/login", "POST", body, Content_Type="application/x-www-form-urlencoded")


def cookie_of(answer: http.client.HTTPResponse) -> str:
    return (answer.getheader("set-cookie") or "").partition(";")[0]


def every_route(app: FastAPI) -> list[tuple[str, str]]:
    """Return (method, path) of all routes, those of Dash included."""
    return sorted(set(_walk(app.routes, "")))


def _walk(routes: Iterable[Any], prefix: str) -> Iterator[tuple[str, str]]:
    for one in routes:
        if isinstance(one, Mount):
            mounted: Any = one.app
            while hasattr(mounted, "_app"):
                mounted = mounted._app
            if isinstance(mounted, FastAPI):
                yield from _walk(mounted.routes, prefix + one.path)
            else:
                yield "GET", f"{prefix}{one.path}/x"
        elif hasattr(one, "include_context"):  # An included router of FastAPI.
            inner = one.original_router.routes
            yield from _walk(inner, prefix + one.include_context.prefix)
        else:
            path = prefix + re.sub(r"\{[^}]*\}", "x", one.path)
            yield from ((method, path) for method in getattr(one, "methods", None) or ("GET",))


def test_every_route_but_login_health_and_assets_needs_a_session(
    address: str, engine: Engine
) -> None:
    routes = every_route(create_app(Backend(engine, Settings()), sign_in=True))
    assert len(routes) >= 15 and ("POST", "/_dash-update-component") in routes
    assert ("GET", "/api/now/events") in routes and ("POST", "/api/now/demo") in routes
    open_ = []
    for method, path in routes:
        answer = ask(address, path, method, "{}" if method == "POST" else "")
        refused = answer.status == 401 and (method == "HEAD" or b"signed out" in answer.read())
        if not refused:
            open_.append((method, path))
    assert {path for _, path in open_} == {
        *("/healthz", "/login"),
        *{path for _, path in routes if path.startswith(("/assets", "/_dash-component-suites"))},
    }, open_


def test_signing_in_and_out_in_a_browser(browser: Browser, address: str, engine: Engine) -> None:
    with browser.new_context() as viewer, quiet_page(viewer, address) as page:
        page.goto(f"{address}/trends?from=now-7d&to=now")
        expect(page).to_have_title("Sign in · moodline")
        expect(page.get_by_label("Name")).to_be_focused()
        page.get_by_label("Name").fill("vic")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile("/trends"))
        assert "from=now-7d" in page.url
        expect(page.locator("#account")).to_contain_text("vic, viewer")
        assert not page.evaluate("document.cookie"), "scripts cannot read the cookie"
        page.reload()
        expect(page.locator("#account")).to_contain_text("vic")
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{address}/login")
        page.goto(f"{address}/now")
        expect(page).to_have_title("Sign in · moodline")


def test_a_page_whose_session_ended_says_so(browser: Browser, address: str, engine: Engine) -> None:
    with browser.new_context() as viewer, viewer.new_page() as page:
        page.goto(f"{address}/trends")
        page.get_by_label("Name").fill("mara")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
        expect(page.get_by_label("Name")).to_have_value("mara")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile("/trends"))
        expect(page.locator("#account")).to_contain_text("mara, admin")
        with transaction(engine) as connection:
            connection.execute(delete(UserSession))
        viewer.clear_cookies()
        page.get_by_text("30 d", exact=True).click()
        expect(page.locator("#signed-out")).to_contain_text("You are signed out")
        page.get_by_role("link", name="Sign in again").click()
        expect(page).to_have_title("Sign in · moodline")


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
}


def test_every_changing_route_refuses_a_viewer(address: str, engine: Engine) -> None:
    cookie = cookie_of(sign_in(address, "vic", PASSWORD))
    changing = [
        (method, path)
        for method, path in every_route(create_app(Backend(engine, Settings()), sign_in=True))
        if path.startswith("/api/") and method not in {"GET", "HEAD"}
    ]
    assert len(changing) >= 10
    answered = {
        one: ask(address, one[1], one[0], "{}", Cookie=cookie, Content_Type="application/json")
        for one in changing
    }
    allowed = {one for one, answer in answered.items() if answer.status != 403}
    assert allowed <= OPEN_TO_VIEWERS, {one: answered[one].status for one in allowed}


def test_the_cookie_is_http_only_same_site_and_secure_behind_https(address: str) -> None:
    answer = sign_in(address, "mara", PASSWORD, "https://evil.example/")
    assert answer.status == 303 and answer.getheader("location") == "/"
    said = (answer.getheader("set-cookie") or "").lower()
    assert "httponly" in said and "samesite=lax" in said and "secure" not in said
    body = urllib.parse.urlencode({"name": "admin", "password": "the setting's"})
    behind = ask(
        address, "/login", "POST", body, X_Forwarded_Proto="https", X_Forwarded_For="192.0.2.7"
    )
    assert "; secure" in (behind.getheader("set-cookie") or "").lower()


def test_repeated_failures_are_throttled(address: str) -> None:
    statuses = [sign_in(address, f"nobody{turn % 2}", "guess").status for turn in range(7)]
    assert statuses[:5] == [401] * 5 and statuses[-1] == 429
    slowed = sign_in(address, "mara", PASSWORD)
    assert slowed.status == 429 and int(slowed.getheader("retry-after") or 0) >= 1
    assert b"Try again in" in slowed.read()


def test_a_burst_of_attempts_is_throttled_and_holds_no_server_thread(address: str) -> None:
    answers: list[int] = []
    guesses = [
        threading.Thread(target=lambda: answers.append(sign_in(address, "mara", "guess").status))
        for _ in range(30)
    ]
    for one in guesses:
        one.start()
    asked_at = time.monotonic()
    assert ask(address, "/login").status == 200
    waited_s = time.monotonic() - asked_at
    for one in guesses:
        one.join()
    assert answers.count(401) <= 7 and answers.count(429) >= 23, "five are free, two at once"
    assert waited_s < 5


def test_users_are_managed_on_the_command_line(installation: Installation) -> None:
    user = partial(installation.run, "user")

    assert user("add", "mara", "--role", "admin", typed=f"{PASSWORD}\n").returncode == 0
    assert_plain_failure(user("add", "jon", typed="short\n"))
    listed = json.loads(user("list", "--json").stdout)["users"]
    assert [(one["name"], one["role"]) for one in listed] == [("mara", "admin")]
    assert user("role", "mara", "viewer").returncode == 0
    assert user("remove", "mara").returncode == 0
    assert_plain_failure(installation.run("dashboard", "--host", "0.0.0.0"))
