"""Signing in and out: the form, the cookie, and whose request it is."""

import html
import time
from collections import OrderedDict
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs, quote

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Engine
from starlette.datastructures import Headers

from contracts.errors import DatabaseError
from dashboard.web.access import Person
from dashboard.web.compression import STATIC
from dashboard.web.throttle import Throttle
from records.users import LONGEST, Known, close_session, open_session, session_user, verify

COOKIE: Final = "moodline_session"
_FRESH_S: Final = 5.0
_MOST_KNOWN: Final = 1000
_AT_ONCE: Final = 2
_NAME_WAIT_S: Final = 60.0
_ADDRESS_WAIT_S: Final = 900.0


class SignIn:
    """Who is signed in. Threads may share it. password: of the setting, or ""."""

    def __init__(self, engine: Engine, prefix: str, password: str = "") -> None:
        self.prefix = prefix
        self._engine = engine
        self._password = password
        self._known: OrderedDict[str, tuple[float, Person]] = OrderedDict()
        # By name they wait a minute at most: else who guesses would lock its owner out.
        self._names, self._addresses = Throttle(_NAME_WAIT_S), Throttle(_ADDRESS_WAIT_S)
        # Each takes 64 MiB. They wait in the event loop, and hold none of the threads that serve.
        self._slots = anyio.CapacityLimiter(_AT_ONCE)

    @property
    def login(self) -> str:
        """The path of the form."""
        return f"{self.prefix}login"

    def is_open(self, path: str) -> bool:
        """Whether it is answered to everybody: the form, and what makes it look like one."""
        below = path.removeprefix(self.prefix)
        return below == "login" or below.startswith(STATIC)

    def person(self, headers: Headers) -> Person | None:
        """Who asks; None for nobody who is signed in. Raises DatabaseError."""
        token = _token(headers)
        if not token:
            return None
        asked_at, person = self._known.get(token, (-_FRESH_S, None))
        if person is not None and time.monotonic() - asked_at < _FRESH_S:
            return person
        known = session_user(self._engine, token, setting=self._password)
        if known is None:
            self._known.pop(token, None)
            return None
        person = Person(known.name, known.role)
        self._known[token] = time.monotonic(), person
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return person

    async def enter(self, name: str, password: str, address: str) -> tuple[str, str, int]:
        """(token, what is wrong, seconds to wait): the token is "" where something is."""
        return await anyio.to_thread.run_sync(
            self._enter, name, password, address, limiter=self._slots
        )

    def _enter(self, name: str, password: str, address: str) -> tuple[str, str, int]:
        """Looks at the wait when its turn has come, so that a burst is slowed by itself."""
        key = name.strip().lower()[:64]
        wait_s = max(self._names.wait_s(key), self._addresses.wait_s(address))
        if wait_s > 0:
            seconds = int(wait_s) + 1
            return "", f"Too many attempts. Try again in {seconds} s.", seconds
        who: Known | None = verify(self._engine, name, password, setting=self._password)
        if who is None:
            self._names.fail(key)
            self._addresses.fail(address)
            return "", "The name or the password is wrong.", 0
        self._names.succeed(key)
        self._addresses.succeed(address)
        return open_session(self._engine, who), "", 0

    def leave(self, headers: Headers) -> None:
        """Sign out whoever asks."""
        token = _token(headers)
        if token:
            self._known.pop(token, None)
            close_session(self._engine, token)


def sign_in_routes(sign_in: SignIn) -> APIRouter:
    """GET and POST login, POST logout."""
    router = APIRouter()

    @router.get("/login")
    def form(next: str = "") -> HTMLResponse:
        return _form(sign_in.prefix, next, "")

    @router.post("/login")
    async def login(request: Request) -> Response:
        given = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=10)
        name, password, after = (given.get(one, [""])[0] for one in ("name", "password", "next"))
        address = request.client.host if request.client else ""
        try:
            token, wrong, wait_s = await sign_in.enter(name, password, address)
        except DatabaseError as exc:
            return _form(sign_in.prefix, after, exc.line(), HTTPStatus.SERVICE_UNAVAILABLE)
        if wrong:
            status = HTTPStatus.TOO_MANY_REQUESTS if wait_s else HTTPStatus.UNAUTHORIZED
            answer: Response = _form(sign_in.prefix, after, wrong, status, name)
            if wait_s:
                answer.headers["Retry-After"] = str(wait_s)
            return answer
        answer = RedirectResponse(own_path(after, sign_in.prefix), HTTPStatus.SEE_OTHER)
        answer.set_cookie(
            COOKIE,
            token,
            max_age=int(LONGEST.total_seconds()),
            path=sign_in.prefix,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )
        return answer

    @router.post("/logout")
    def logout(request: Request) -> RedirectResponse:
        sign_in.leave(request.headers)
        answer = RedirectResponse(sign_in.login, HTTPStatus.SEE_OTHER)
        answer.delete_cookie(COOKIE, path=sign_in.prefix)
        return answer

    return router


def own_path(wanted: str, prefix: str) -> str:
    """The address to go on to: one of this dashboard's own, whatever is asked for."""
    plain = wanted.isprintable() and "\\" not in wanted and not wanted.startswith("//")
    below = wanted.removeprefix(prefix)
    if (
        plain
        and wanted.startswith(prefix)
        and not below.startswith(("/", "login", "logout", "api/"))
    ):
        return quote(wanted, safe="/?&=%:,+~@!$'()*;-._")
    return prefix


def address_of_form(sign_in: SignIn, path: str, query: bytes) -> str:
    """Where somebody is sent who must sign in first."""
    after = path + (f"?{query.decode('latin-1')}" if query else "")
    return f"{sign_in.login}?next={quote(after, safe='')}"


def _token(headers: Headers) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value[:128] if morsel is not None else ""


_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Sign in · moodline</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="{prefix}assets/base.css">
  </head>
  <body>
    <main class="sign-in">
      <h1>moodline</h1>
      <form method="post" action="{prefix}login" class="panel">
        <h2>Sign in</h2>
        {wrong}
        <input type="hidden" name="next" value="{after}">
        <div class="field">
          <label for="name">Name</label>
          <input id="name" name="name" autocomplete="username" autocapitalize="none" required
            maxlength="64" value="{name}"{focus_name}>
        </div>
        <div class="field">
          <label for="password">Password</label>
          <input id="password" name="password" type="password" autocomplete="current-password"
            required maxlength="1024"{focus_password}>
        </div>
        <button class="button" type="submit">Sign in</button>
      </form>
      <p class="help">
        Who runs this moodline adds people with <code>moodline user add NAME</code>.
      </p>
    </main>
  </body>
</html>
"""


def _form(
    prefix: str, after: str, wrong: str, status: int = HTTPStatus.OK, name: str = ""
) -> HTMLResponse:
    page = _PAGE.format(
        prefix=prefix,
        after=html.escape(after[:2000]),
        name=html.escape(name[:64]),
        wrong=f'<p class="trouble" role="alert">{html.escape(wrong)}</p>' if wrong else "",
        focus_name="" if name else " autofocus",
        focus_password=" autofocus" if name else "",
    )
    return HTMLResponse(page, status, headers={"Cache-Control": "no-store"})
