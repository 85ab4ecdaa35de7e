"""What stands before every answer: who may ask, how much, and the headers that go with it."""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.errors import DatabaseError
from dashboard.web.access import enter
from dashboard.web.page import MOST_BODY
from dashboard.web.sign_in import SignIn, address_of_form

HEALTH: Final = "/healthz"
LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
SIGNED_OUT: Final = "You are signed out. Sign in again"


def security_headers(script_hashes: Sequence[str]) -> dict[str, str]:
    """The headers of every answer: nothing comes from elsewhere, and nothing goes there."""
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
    """ASGI middleware. Where nobody signs in, only this host's own names are answered.

    A page of another site can make a browser ask 127.0.0.1 under that site's name (DNS rebinding),
    and send forms to any address with the cookies that go there (cross-site request forgery).
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        headers: dict[str, str],
        sign_in: SignIn | None = None,
        bodies: Mapping[str, int] | None = None,
    ) -> None:
        """bodies: by the beginning of a path, the bytes that a request there may have."""
        self._app = app
        self._headers = headers
        self._bodies = bodies or {}
        self._sign_in = sign_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # The pages use no websocket.
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        answer = self._refusal(scope) or await self._unknown(scope) or self._app
        await answer(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._sign_in is None and _host_name(host) not in LOCAL_HOSTS:
            return _plain(HTTPStatus.FORBIDDEN, "ask for this page as localhost or 127.0.0.1")
        if scope["method"] in {"GET", "HEAD"}:
            return None
        if not _comes_from_here(headers, host):
            return _plain(HTTPStatus.FORBIDDEN, "the request comes from another site")
        if not self._is_small(scope["path"], headers):
            return _plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the request is too large")
        return None

    async def _unknown(self, scope: Scope) -> Response | None:
        """The answer to who has to sign in first; None for who may go on."""
        path = scope["path"]
        if self._sign_in is None or path == HEALTH or self._sign_in.is_open(path):
            return None
        headers = Headers(scope=scope)
        try:
            person = await asyncio.to_thread(self._sign_in.person, headers)
        except DatabaseError as exc:
            return JSONResponse({"error": exc.line()}, HTTPStatus.SERVICE_UNAVAILABLE)
        if person is not None:
            enter(person)
            return None
        if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            form = address_of_form(self._sign_in, path, scope["query_string"])
            return RedirectResponse(form, HTTPStatus.SEE_OTHER)
        return JSONResponse({"error": SIGNED_OUT}, HTTPStatus.UNAUTHORIZED)

    def _is_small(self, path: str, headers: Headers) -> bool:
        """Whether the length of the body is said, and small."""
        most = next(
            (size for begin, size in self._bodies.items() if path.startswith(begin)), MOST_BODY
        )
        length = headers.get("content-length")
        if length is None:
            return "transfer-encoding" not in headers  # Then there is no body.
        return length.isdecimal() and len(length) < 12 and int(length) <= most


def _comes_from_here(headers: Headers, host: str) -> bool:
    """Whether no other site sent it. Browsers say; what is no browser sends no cookies of one."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == host.lower() != ""


def _host_name(host: str) -> str:
    """Of a Host header what comes before the port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


def _plain(status: HTTPStatus, text: str) -> Response:
    return PlainTextResponse(text + "\n", status)
