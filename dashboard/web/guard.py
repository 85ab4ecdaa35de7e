"""The guard before every request: host check, sign-in, body limits and security headers."""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.errors import DatabaseError
from dashboard.web.access import set_account
from dashboard.web.page import MAX_BODY_BYTES
from dashboard.web.sign_in.gate import SignIn, sign_in_url

HEALTH: Final = "/healthz"
LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
SIGNED_OUT: Final = "You are signed out. Sign in again"


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

    Without sign-in it answers only to this host's own names: a page of another site can make a
    browser send requests to 127.0.0.1 under that site's name (DNS rebinding). It refuses
    changes that another site sends with the viewer's cookies (cross-site request forgery).
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        headers: dict[str, str],
        sign_in: SignIn | None = None,
        body_limits: Mapping[str, int] | None = None,
    ) -> None:
        """body_limits: by path prefix, the largest body of a request in bytes."""
        self._app = app
        self._headers = headers
        self._body_limits = body_limits or {}
        self._sign_in = sign_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # The pages use no websockets.
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        response = self._refusal(scope) or await self._sign_in_response(scope) or self._app
        await response(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._sign_in is None and _without_port(host) not in LOCAL_HOSTS:
            return _plain(HTTPStatus.FORBIDDEN, "open this page as localhost or 127.0.0.1")
        if scope["method"] in {"GET", "HEAD"}:
            return None
        if not _is_same_origin(headers, host):
            return _plain(HTTPStatus.FORBIDDEN, "the request comes from another site")
        if not self._is_within_limit(scope["path"], headers):
            return _plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the request is too large")
        return None

    async def _sign_in_response(self, scope: Scope) -> Response | None:
        """Return the response to a request that needs sign-in; None to let it through."""
        path = scope["path"]
        if self._sign_in is None or path == HEALTH or self._sign_in.is_open(path):
            return None
        headers = Headers(scope=scope)
        try:
            account = await asyncio.to_thread(self._sign_in.account, headers)
        except DatabaseError as exc:
            return JSONResponse({"error": exc.line()}, HTTPStatus.SERVICE_UNAVAILABLE)
        if account is not None:
            set_account(account)
            return None
        if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            form_url = sign_in_url(self._sign_in, path, scope["query_string"])
            return RedirectResponse(form_url, HTTPStatus.SEE_OTHER)
        return JSONResponse({"error": SIGNED_OUT}, HTTPStatus.UNAUTHORIZED)

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


def _is_same_origin(headers: Headers, host: str) -> bool:
    """Return whether the request is from our own pages, or not from a browser.

    Browsers send one of the two headers; other clients do not send a browser's cookies.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == host.lower() != ""


def _without_port(host: str) -> str:
    """Return the host name of a Host header, in lower case."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


def _plain(status: HTTPStatus, text: str) -> Response:
    return PlainTextResponse(text + "\n", status)
