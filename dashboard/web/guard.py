"""The guard before every request: host check, sign-in, body limits and security headers."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Final

import structlog
from anyio import BrokenResourceError
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.conventions.problems import TITLES, problem_response
from api.gate import ApiGate, no_token
from contracts.errors import ApiError, DatabaseError, MoodlineError
from dashboard.language.words import set_viewing
from dashboard.web.language_choice import viewing_of
from dashboard.web.page import MAX_BODY_BYTES
from dashboard.web.sign_in.cookies import cookie_value, keep_own_cookies
from dashboard.web.sign_in.gate import SignIn
from dashboard.web.sign_in.routes import sign_in_url
from dashboard.web.sign_in.session_watch import SIGNED_OUT
from dashboard.web.theme import COOKIE as THEME_COOKIE
from dashboard.web.theme import set_theme
from records.audit import set_actor_address
from serving.access import current_account, set_account

log = structlog.get_logger()

HEALTH: Final = "/healthz"
READY: Final = "/readyz"
VERDICT: Final = "api/health"
LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_MAX_PATH: Final = 1024
_MAX_NAME: Final = 255
_HTTPS_ONLY: Final = "max-age=31536000"
_UNEXPECTED: Final = JSONResponse(
    {"error": "The dashboard could not answer this. The reason is in its log"},
    HTTPStatus.INTERNAL_SERVER_ERROR,
)


def security_headers(script_hashes: Sequence[str]) -> dict[str, str]:
    """Return the headers of every response: pages load from and send to this host only."""
    scripts = " ".join(["'self'", *script_hashes])
    policy = (
        "default-src 'self'",
        f"script-src {scripts}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    }


class Guard:
    """ASGI middleware that admits or refuses each request.

    On loopback it answers only to this host's own names: a page of another site can make a
    browser send requests to 127.0.0.1 under that site's name (DNS rebinding). It refuses
    changes that another site sends with the viewer's cookies (cross-site request forgery).
    """

    def __init__(  # noqa: PLR0913  (one parameter per rule)
        self,
        app: ASGIApp,
        *,
        headers: dict[str, str],
        sign_in: SignIn | None = None,
        api: ApiGate | None = None,
        any_host: bool = False,
        body_limits: Mapping[str, int] | None = None,
        static: tuple[str, ...] = (),
    ) -> None:
        """api: the gate of the API, whose refusals are problems; None without an API.

        any_host: with sign-in, answer to other names than this host's own too.
        body_limits: by path prefix, the largest body of a request in bytes. static: beginnings of
        the paths that browsers may store.
        """
        self._app = app
        self._headers = headers
        self._body_limits = body_limits or {}
        self._sign_in = sign_in
        self._api = api
        self._any_host = any_host and sign_in is not None
        self._static = static

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # The pages use no websockets.
            await send({"type": "websocket.close", "code": 1008})
            return

        scope = {**scope, "headers": keep_own_cookies(scope["headers"])}
        set_actor_address(scope["client"][0] if scope.get("client") else "")
        set_viewing(viewing_of(Headers(scope=scope)))
        set_theme(cookie_value(Headers(scope=scope), THEME_COOKIE))
        has_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                self._add_headers(scope, MutableHeaders(scope=message))
            await send(message)

        try:
            response = (
                self._refusal(scope) or await self._sign_in_response(scope) or self._watched_app()
            )
            await response(scope, receive, send_with_headers)
        except ClientDisconnect:
            return
        except Exception as exc:  # The last place to log it, and to answer with headers of ours.
            if has_begun and _is_of_a_gone_client(exc):
                return
            log.exception("a request failed", method=scope["method"], path=scope["path"][:200])
            # An answer that has begun ends with its connection: the client sees a broken end.
            if not has_begun:
                await _UNEXPECTED(scope, receive, send_with_headers)

    def _add_headers(self, scope: Scope, headers: MutableHeaders) -> None:
        headers.update(self._headers)
        if scope["scheme"] == "https":
            headers["Strict-Transport-Security"] = _HTTPS_ONLY
        if scope["path"].startswith(self._static):
            headers.setdefault("Cache-Control", "no-cache")
        elif self._is_of_api(scope):  # Its rollups are stored, and asked for again each time.
            headers.setdefault("Cache-Control", "no-store")
        else:  # Faces, readings of people, and whose they are.
            headers["Cache-Control"] = "no-store"

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._any_host and _without_port(host) not in LOCAL_HOSTS:
            return self._refused(scope, "forbidden", "open this page as localhost or 127.0.0.1")
        if not _is_plain_path(scope["path"]) or b"%00" in scope["query_string"]:
            return self._refused(scope, "not-found", "there is nothing at this address")
        if scope["method"] not in {"GET", "HEAD"} and not _is_same_origin(headers, host):
            return self._refused(scope, "forbidden", "the request comes from another site")
        if not self._is_within_limit(scope["path"], headers):
            return self._refused(scope, "too-large", "the request is too large")
        return None

    def _refused(self, scope: Scope, name: str, text: str) -> Response:
        """Return a refusal. name: of the problem that it is for programs."""
        if self._is_of_api(scope):
            return problem_response(ApiError(name, text))
        return PlainTextResponse(text + "\n", TITLES[name][0])

    def _is_of_api(self, scope: Scope) -> bool:
        return self._api is not None and self._api.covers(scope["path"])

    async def _sign_in_response(self, scope: Scope) -> Response | None:
        """Return the response to a request that needs sign-in; None to let it through."""
        path, headers = scope["path"], Headers(scope=scope)
        if self._api is not None and self._api.covers(path):
            return await self._api_response(self._api, scope, headers)
        if self._sign_in is None or path in {HEALTH, READY} or self._sign_in.is_open(path):
            return None
        try:
            is_use = path != f"{self._sign_in.prefix}{VERDICT}"  # Every open page asks for it.
            account = await asyncio.to_thread(self._sign_in.account, headers, is_use=is_use)
        except DatabaseError as exc:
            return JSONResponse({"error": exc.line()}, HTTPStatus.SERVICE_UNAVAILABLE)
        if account is not None:
            set_account(account)
            return None
        if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            form_url = sign_in_url(self._sign_in, path, scope["query_string"])
            return RedirectResponse(form_url, HTTPStatus.SEE_OTHER)
        return JSONResponse({"error": SIGNED_OUT}, HTTPStatus.UNAUTHORIZED)

    async def _api_response(self, api: ApiGate, scope: Scope, headers: Headers) -> Response | None:
        """As above, for a program: it has a token, or the session of a browser."""
        address = scope["client"][0] if scope.get("client") else ""
        try:
            account = api.known(headers)
            if account is None:
                account = await asyncio.to_thread(api.account, headers, address)
            if account is None and self._sign_in is not None:
                account = await asyncio.to_thread(self._sign_in.account, headers)
                if account is None:
                    raise no_token()
        except MoodlineError as exc:
            return problem_response(exc)
        if account is not None:
            set_account(account)
        return None

    def _watched_app(self) -> ASGIApp:
        """Return the application, whose answers end with the session of the request."""
        account = current_account()
        if self._sign_in is None or not account.session:
            return self._app
        return partial(self._sign_in.watch.answer, account, self._app)

    def _is_within_limit(self, path: str, headers: Headers) -> bool:
        """Return whether the body's length is declared and within the limit."""
        limit = next(
            (limit for prefix, limit in self._body_limits.items() if path.startswith(prefix)),
            MAX_BODY_BYTES,
        )
        length = headers.get("content-length")
        if length is None:
            return "transfer-encoding" not in headers  # Without both headers there is no body.
        return length.isdecimal() and len(length) < 12 and int(length) <= limit


def _is_of_a_gone_client(error: Exception) -> bool:
    """Return whether an event stream broke because its client has gone.

    FastAPI closes the stream while its own tasks still write to it.
    """
    if isinstance(error, ExceptionGroup):
        return error.split(BrokenResourceError)[1] is None
    return isinstance(error, BrokenResourceError)


def _is_same_origin(headers: Headers, host: str) -> bool:
    """Return whether the request is from our own pages, or not from a browser.

    Browsers send one of the two headers; other clients do not send a browser's cookies.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2].lower() == host.lower() != ""


def _is_plain_path(path: str) -> bool:
    """Return whether the path is one that a page or a file could have."""
    parts = path.split("/")
    return path.isprintable() and len(path) <= _MAX_PATH and max(map(len, parts)) <= _MAX_NAME


def _without_port(host: str) -> str:
    """Return the host name of a Host header, in lower case."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()
