"""What stands before every answer: who may ask, how much, and the headers that go with it."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.pages import MOST_BODY

HEALTH: Final = "/healthz"
LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_ASK: Final = {"WWW-Authenticate": 'Basic realm="moodline", charset="UTF-8"'}


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
    }


class Guard:
    """ASGI middleware. Without a password only this host's own names are answered.

    A page of another site can make a browser ask 127.0.0.1 under that site's name (DNS rebinding).
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        headers: dict[str, str],
        password: str,
        bodies: Mapping[str, int] | None = None,
    ) -> None:
        """bodies: by the beginning of a path, the bytes that a request there may have."""
        self._app = app
        self._headers = headers
        self._bodies = bodies or {}
        self._digest = _digest(password) if password else b""

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

        answer = self._refusal(scope) or self._app
        await answer(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._digest and _host_name(headers.get("host", "")) not in LOCAL_HOSTS:
            return _plain(HTTPStatus.FORBIDDEN, "ask for this page as localhost or 127.0.0.1")
        if self._digest and scope["path"] != HEALTH and not self._may_enter(headers):
            return _plain(HTTPStatus.UNAUTHORIZED, "a password is needed", _ASK)
        if scope["method"] not in {"GET", "HEAD"} and not self._is_small(scope["path"], headers):
            return _plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the request is too large")
        return None

    def _may_enter(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            decoded = base64.b64decode(given.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(_digest(decoded.partition(":")[2]), self._digest)

    def _is_small(self, path: str, headers: Headers) -> bool:
        """Whether the length of the body is said, and small."""
        most = next(
            (size for begin, size in self._bodies.items() if path.startswith(begin)), MOST_BODY
        )
        length = headers.get("content-length", "")
        return length.isdecimal() and len(length) < 12 and int(length) <= most


def _digest(password: str) -> bytes:
    return hashlib.sha256(password.encode()).digest()


def _host_name(host: str) -> str:
    """Of a Host header what comes before the port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


def _plain(status: HTTPStatus, text: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(text + "\n", status, headers)
