"""Sign-in against guesses, crafted cookies and people who were removed."""

import http.client
import queue
import re
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pyotp
import pytest
from sqlalchemy import Engine

from contracts.errors import SettingsError, UserError
from contracts.settings import Settings
from dashboard.server import serve
from dashboard.web.sign_in.cookies import COOKIE, DEVICE_COOKIE
from dashboard.web.sign_in.gate import SignIn
from dashboard.web.sign_in.throttle import Throttle
from records.database import open_engine
from records.schema import upgrade
from records.users import accounts
from records.users.accounts import add_user, remove_user, set_password, set_role
from records.users.passwords import check_new_password
from records.users.roles import Role
from serving.backend import Backend
from serving.password_checks import MAX_PENDING
from tests.e2e.commands import TIMEOUT_S, poll
from tests.guard_requests import ask_guard
from tests.http_client import PASSWORD, ask, cookie_of, cookies_of, json_of, post, sign_in
from tests.pages import serving

NEW_PASSWORD = "seven green lamps x"


@pytest.mark.parametrize(
    "cookie",
    [
        'a="' + "\\1" * 8_000,
        f'{COOKIE}_8050="' + "\\1" * 8_000 + '"',
        "a=b; " * 3_000,
        "=" * 16_000,
        f"{COOKIE}_8050=" + '"' * 16_000,
    ],
)
def test_no_parser_with_quadratic_time_gets_a_cookie(
    sqlite_engine: Engine, cookie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unexpected(*_: object) -> None:
        raise AssertionError("the cookie was parsed")

    monkeypatch.setattr("http.cookies.BaseCookie.load", unexpected)
    monkeypatch.setattr("http.cookies._unquote", unexpected)
    sign_in = SignIn(sqlite_engine, "/", Settings())
    assert ask_guard(sign_in, cookie=cookie)[0] == 401
    assert ask_guard(cookie=cookie)[0] == 200


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('users') / 'records.db'}")
    upgrade(engine)
    for name in ("mara", "ada"):
        add_user(engine, name, Role.ADMIN, PASSWORD, actor="test")
    add_user(engine, "vic", Role.VIEWER, PASSWORD, actor="test")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def address(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A dashboard with users. The clock of its throttles stands still: waits do not end."""
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dashboard.web.sign_in.gate.Throttle", partial(Throttle, clock=lambda: 1e3))
        with serving(Backend(engine, settings), sign_in=True) as one:
            yield one


def sign_in_from(
    address: str, place: str, name: str, password: str, device: str = ""
) -> http.client.HTTPResponse:
    body = urllib.parse.urlencode({"name": name, "password": password})
    cookie = f"{DEVICE_COOKIE}={device}"
    return ask(address, "/login", "POST", body, X_Forwarded_For=place, Cookie=cookie)


def test_guesses_from_many_addresses_lock_no_known_device_out(address: str) -> None:
    devices = {
        name: cookies_of(sign_in_from(address, "198.51.100.9", name, PASSWORD))[DEVICE_COOKIE]
        for name in ("mara", "vic")
    }
    for guess in range(20):
        sign_in_from(address, f"192.0.2.{guess}", "mara", "guess")
    stranger = partial(sign_in_from, address, "203.0.113.1", "mara", PASSWORD)
    assert stranger().status == 429
    assert stranger(devices["vic"]).status == 429, "a device of another user"
    assert stranger(devices["mara"][:-4] + "AAA=").status == 429, "a forged device"
    assert stranger(devices["mara"]).status == 303
    wrong = [sign_in_from(address, "203.0.113.2", "mara", "x", devices["mara"]) for _ in range(6)]
    assert [one.status for one in wrong] == [401] * 5 + [429], "a stolen device cannot guess"


def test_password_checks_are_few_and_known_devices_have_their_own(
    address: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = cookies_of(sign_in_from(address, "198.51.100.8", "ada", PASSWORD))[DEVICE_COOKIE]
    begun, released = queue.Queue[str](), threading.Event()

    def check(engine: Engine, name: str, password: str, *, setting: str = "") -> Any:
        if password == PASSWORD:
            return accounts.authenticate(engine, name, password, setting=setting)
        begun.put(name)
        assert released.wait(TIMEOUT_S)
        return None

    monkeypatch.setattr("dashboard.web.sign_in.gate.authenticate", check)
    with ThreadPoolExecutor(MAX_PENDING + 8) as guesses:
        try:
            pending = [
                guesses.submit(sign_in_from, address, f"192.0.2.{place}", f"user{place}", "guess")
                for place in range(100, 100 + MAX_PENDING + 8)
            ]
            poll(lambda: sum(one.done() for one in pending) == 8)
            full = [one.result() for one in pending if one.done()]
            assert all(one.status == 503 for one in full), "the queue is full"
            assert full[0].getheader("retry-after") == "5"
            assert begun.qsize() == 2, "two checks at once, of 64 MiB each"
            signed_in = sign_in_from(address, "198.51.100.8", "ada", PASSWORD, device)
            assert signed_in.status == 303
        finally:
            released.set()


@pytest.mark.parametrize(
    "change",
    [
        lambda engine: set_role(engine, "eve", Role.OPERATOR, actor="test"),
        lambda engine: set_password(engine, "eve", NEW_PASSWORD, actor="test"),
        lambda engine: remove_user(engine, "eve", actor="test"),
    ],
    ids=["role", "password", "removed"],
)
def test_an_open_event_stream_ends_with_its_session(
    address: str, engine: Engine, change: Callable[[Engine], None]
) -> None:
    add_user(engine, "eve", Role.VIEWER, PASSWORD, actor="test")
    try:
        cookie = cookie_of(sign_in(address, "eve", PASSWORD))
        others = cookie_of(sign_in(address, "vic", PASSWORD))
        streams = [ask(address, "/api/now/events", Cookie=one) for one in (cookie, others)]
        assert [one.readline() for one in streams] == [b"event: clock\n"] * 2
        change(engine)
        assert b"event: again" not in streams[0].read(), "it ends by itself after five minutes only"
        assert ask(address, "/api/now/room", Cookie=cookie).status == 401, "nor does it come back"
        assert ask(address, "/api/now/room", Cookie=others).status == 200
        streams[1].readline()
        assert not streams[1].isclosed(), "those of other users stay"
        streams[1].close()
    finally:
        if "eve" in {one.name for one in accounts.list_users(engine)}:
            remove_user(engine, "eve", actor="test")


@pytest.mark.parametrize(
    "password",
    ["a", "change-me", "change-me-as-well", "1234567890", "password1234", "moodlinemoodline"],
)
def test_a_password_that_is_easy_to_guess_is_refused(password: str, sqlite_engine: Engine) -> None:
    with pytest.raises(UserError):
        check_new_password(password, "mara")
    with pytest.raises(SettingsError, match="MOODLINE_DASHBOARD_PASSWORD"):
        settings = Settings(dashboard_password=password)
        serve(Backend(sqlite_engine, settings), host="0.0.0.0", port=0)


def test_users_change_their_own_password_with_the_current_one(address: str, engine: Engine) -> None:
    add_user(engine, "pia", Role.VIEWER, PASSWORD, actor="test")
    own, other = (cookie_of(sign_in(address, "pia", PASSWORD)) for _ in range(2))
    change = partial(post, address, "/api/account/password", own)
    assert change(current="wrong", new=NEW_PASSWORD).status == 400
    assert change(current=PASSWORD, new="1234567890").status == 400
    assert change(current=PASSWORD, new=NEW_PASSWORD).status == 200
    assert ask(address, "/api/account", Cookie=own).status == 200
    poll(lambda: ask(address, "/api/account", Cookie=other).status == 401)
    assert sign_in(address, "pia", NEW_PASSWORD).status == 303


def test_users_see_and_end_their_own_sessions_only(address: str, engine: Engine) -> None:
    add_user(engine, "sam", Role.VIEWER, PASSWORD, actor="test")
    own, other = (cookie_of(sign_in(address, "sam", PASSWORD)) for _ in range(2))
    vic = cookie_of(sign_in(address, "vic", PASSWORD))
    listed = json_of(ask(address, "/api/account", Cookie=own))["sessions"]
    assert len(listed) == 2 and [one["address"] for one in listed] == ["127.0.0.1"] * 2
    (ended,) = (one["id"] for one in listed if not one["current"])
    assert ended not in other, "the id is no token"
    end = "/api/account/sessions/end"
    assert json_of(post(address, end, vic, session=ended)) == {"ended": 0}
    assert json_of(post(address, end, own, session=ended)) == {"ended": 1}
    poll(lambda: ask(address, "/api/account", Cookie=other).status == 401)
    assert ask(address, "/api/account", Cookie=own).status == 200


def test_a_second_factor_is_asked_for_and_each_code_works_once(
    address: str, engine: Engine
) -> None:
    add_user(engine, "tom", Role.VIEWER, PASSWORD, actor="test")
    own = cookie_of(sign_in(address, "tom", PASSWORD))
    begin = partial(post, address, "/api/account/second-factor", own)
    assert begin(current="wrong").status == 400
    app = pyotp.TOTP(json_of(begin(current=PASSWORD))["secret"])
    confirm = partial(post, address, "/api/account/second-factor/confirm", own)
    assert confirm(code="000000").status == 400
    used = app.now()
    codes = json_of(confirm(code=used))["codes"]

    form = sign_in(address, "tom", PASSWORD)
    assert form.status == 200 and not cookies_of(form), "the password alone opens no session"
    found = re.search(r'name="ticket" value="([^"]+)"', form.read().decode())
    assert found is not None

    def send(code: str) -> int:
        body = urllib.parse.urlencode({"ticket": found[1], "code": code})
        return ask(address, "/login", "POST", body).status

    assert send(used) == 401, "it was used to confirm"
    assert send(codes[0].lower()) == 303 and send(codes[0]) == 401
    assert [send("123456") for _ in range(5)][-1] == 429, "codes cannot be guessed"


def test_only_admins_manage_users_and_never_themselves(address: str, engine: Engine) -> None:
    mara, vic = (
        cookies_of(sign_in_from(address, "198.51.100.7", name, PASSWORD)) for name in ("ada", "vic")
    )
    admin, viewer = ("; ".join(f"{k}={v}" for k, v in one.items()) for one in (mara, vic))
    users = "/api/system/users"
    assert ask(address, users, Cookie=viewer).status == 403
    new = {"name": "ned", "role": "operator", "password": PASSWORD}
    assert post(address, users, viewer, **new).status == 403
    assert post(address, users, admin, **new | {"password": "1234567890"}).status == 400
    assert post(address, users, admin, **new).status == 200
    ned = cookie_of(sign_in(address, "ned", PASSWORD))
    assert post(address, f"{users}/role", admin, name="ned", role="viewer").status == 200
    poll(lambda: ask(address, "/api/account", Cookie=ned).status == 401)
    assert post(address, f"{users}/remove", admin, name="ada").status == 400
    assert post(address, f"{users}/remove", admin, name="ned").status == 200
    assert sign_in(address, "ned", PASSWORD).status == 401
