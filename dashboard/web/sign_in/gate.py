"""Sign-in and sign-out: the form, the session cookie and the account of a request."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Engine
from starlette.datastructures import Headers

from contracts.errors import DatabaseError
from dashboard.web.access import Account
from dashboard.web.compression import STATIC_PATHS
from dashboard.web.sign_in.throttle import Throttle
from dashboard.web.templates import template
from records.users.accounts import authenticate
from records.users.session_lifetime import MAX_SESSION_AGE
from records.users.sessions import close_session, open_session, session_user

COOKIE: Final = "moodline_session"
_CACHE_S: Final = 5.0
_CACHE_ENTRIES: Final = 1000
_CONCURRENT_CHECKS: Final = 2
_NAME_WAIT_S: Final = 60.0
_ADDRESS_WAIT_S: Final = 900.0
_TEMPLATE: Final = Path(__file__).with_name("sign_in.html")


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of a sign-in: a session token, or an error and the seconds to wait."""

    token: str = ""
    error: str = ""
    wait_s: int = 0


class SignIn:
    """Checks passwords and sessions; safe to share between threads.

    password: of the setting MOODLINE_DASHBOARD_PASSWORD, or "".
    """

    def __init__(self, engine: Engine, prefix: str, password: str = "") -> None:
        self.prefix = prefix
        self._engine = engine
        self._password = password
        self._cache: OrderedDict[str, tuple[float, Account]] = OrderedDict()
        # The wait by name is a minute at most: an attacker must not lock the user out.
        self._names, self._addresses = Throttle(_NAME_WAIT_S), Throttle(_ADDRESS_WAIT_S)
        # A check takes 64 MiB. Waiting ones stay in the event loop and hold no server thread.
        self._slots = anyio.CapacityLimiter(_CONCURRENT_CHECKS)

    @property
    def login_path(self) -> str:
        """The path of the form."""
        return f"{self.prefix}login"

    def is_open(self, path: str) -> bool:
        """Return whether the path is served without sign-in: the form and static files."""
        below = path.removeprefix(self.prefix)
        return below == "login" or below.startswith(STATIC_PATHS)

    def account(self, headers: Headers) -> Account | None:
        """Return the account of the session cookie; None without one. Raises DatabaseError."""
        token = _token(headers)
        if not token:
            return None
        checked_at, account = self._cache.get(token, (-_CACHE_S, None))
        if account is not None and time.monotonic() - checked_at < _CACHE_S:
            return account
        user = session_user(self._engine, token, setting=self._password)
        if user is None:
            self._cache.pop(token, None)
            return None
        account = Account(user.name, user.role)
        self._cache[token] = time.monotonic(), account
        while len(self._cache) > _CACHE_ENTRIES:
            self._cache.popitem(last=False)
        return account

    async def attempt(self, name: str, password: str, address: str) -> Attempt:
        """Check a password and open a session. Raises DatabaseError."""
        return await anyio.to_thread.run_sync(
            self._attempt, name, password, address, limiter=self._slots
        )

    def _attempt(self, name: str, password: str, address: str) -> Attempt:
        # The wait is read when the check begins, so that a burst of attempts is throttled too.
        key = name.strip().lower()[:64]
        wait_s = max(self._names.wait_s(key), self._addresses.wait_s(address))
        if wait_s > 0:
            seconds = int(wait_s) + 1
            return Attempt(error=f"Too many attempts. Try again in {seconds} s.", wait_s=seconds)
        user = authenticate(self._engine, name, password, setting=self._password)
        if user is None:
            self._names.fail(key)
            self._addresses.fail(address)
            return Attempt(error="The name or the password is wrong.")
        self._names.succeed(key)
        self._addresses.succeed(address)
        return Attempt(token=open_session(self._engine, user))

    def sign_out(self, headers: Headers) -> None:
        """End the session of the request."""
        token = _token(headers)
        if token:
            self._cache.pop(token, None)
            close_session(self._engine, token)


def sign_in_routes(sign_in: SignIn) -> APIRouter:
    """Return the routes GET login, POST login and POST logout."""
    router = APIRouter()

    @router.get("/login")
    def form(next: str = "") -> HTMLResponse:
        return _form(sign_in.prefix, next, "")

    @router.post("/login")
    async def login(request: Request) -> Response:
        fields = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=10)
        name, password, target = (fields.get(one, [""])[0] for one in ("name", "password", "next"))
        address = request.client.host if request.client else ""
        try:
            attempt = await sign_in.attempt(name, password, address)
        except DatabaseError as exc:
            return _form(sign_in.prefix, target, exc.line(), HTTPStatus.SERVICE_UNAVAILABLE)
        if attempt.token:
            secure = request.url.scheme == "https"
            return _signed_in(sign_in.prefix, target, attempt.token, secure=secure)
        status = HTTPStatus.TOO_MANY_REQUESTS if attempt.wait_s else HTTPStatus.UNAUTHORIZED
        response = _form(sign_in.prefix, target, attempt.error, status, name)
        if attempt.wait_s:
            response.headers["Retry-After"] = str(attempt.wait_s)
        return response

    @router.post("/logout")
    def logout(request: Request) -> RedirectResponse:
        sign_in.sign_out(request.headers)
        response = RedirectResponse(sign_in.login_path, HTTPStatus.SEE_OTHER)
        response.delete_cookie(COOKIE, path=sign_in.prefix)
        return response

    return router


def own_path(target: str, prefix: str) -> str:
    """Return the path to open after sign-in: `target` if it is one of our pages, else `prefix`."""
    plain = target.isprintable() and "\\" not in target and not target.startswith("//")
    below = target.removeprefix(prefix)
    if (
        plain
        and target.startswith(prefix)
        and not below.startswith(("/", "login", "logout", "api/"))
    ):
        return quote(target, safe="/?&=%:,+~@!$'()*;-._")
    return prefix


def sign_in_url(sign_in: SignIn, path: str, query: bytes) -> str:
    """Return the form's address, with the page to open after sign-in."""
    target = path + (f"?{query.decode('latin-1')}" if query else "")
    return f"{sign_in.login_path}?next={quote(target, safe='')}"


def _token(headers: Headers) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value[:128] if morsel is not None else ""


def _signed_in(prefix: str, target: str, token: str, *, secure: bool) -> RedirectResponse:
    response = RedirectResponse(own_path(target, prefix), HTTPStatus.SEE_OTHER)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(MAX_SESSION_AGE.total_seconds()),
        path=prefix,
        secure=secure,
        httponly=True,
        samesite="lax",
    )
    return response


def _form(
    prefix: str, target: str, error: str, status: int = HTTPStatus.OK, name: str = ""
) -> HTMLResponse:
    page = template(_TEMPLATE).render(
        prefix=prefix, target=target[:2000], name=name[:64], error=error
    )
    return HTMLResponse(page, status, headers={"Cache-Control": "no-store"})
