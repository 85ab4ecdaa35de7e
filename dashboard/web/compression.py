"""Scripts and styles, compressed once for all who load them."""

import asyncio
import gzip
import hashlib
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATIC: Final = ("assets/", "_dash-component-suites/")
"""Below the prefix: files that are the same for everybody, whoever asks."""
MOST_KEPT: Final = 16_000_000
"""Bytes of compressed files that are kept; what comes after is compressed each time."""
_LEVEL: Final = 9
_LEAST: Final = 2048


class Packed:
    """ASGI middleware: what lies below `places` is sent compressed, and kept so by what it holds.

    A browser that opens the dashboard for the first time asks for megabytes. Compressing them
    takes longer than all else that the server does for a page, and holds up who else asks.
    """

    def __init__(
        self, app: ASGIApp, *, places: tuple[str, ...], most_kept: int = MOST_KEPT
    ) -> None:
        self._app = app
        self._places = places
        self._most_kept = most_kept
        self._kept: dict[bytes, bytes] = {}
        self._kept_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._takes(scope):
            await self._app(scope, receive, send)
            return
        held = list[Message]()

        async def hold(message: Message) -> None:
            held.append(message)

        await self._app(scope, receive, hold)
        start, *parts = held or [{}]
        if not parts or parts[-1].get("more_body", False):  # Who asked went away.
            return
        body = b"".join(part.get("body", b"") for part in parts)
        headers = MutableHeaders(scope=start)
        if start["status"] == HTTPStatus.OK and "content-encoding" not in headers:
            headers.add_vary_header("Accept-Encoding")
            if len(body) >= _LEAST:
                body = await self._packed(body)
                headers["Content-Encoding"] = "gzip"
                headers["Content-Length"] = str(len(body))
        await send(start)
        await send({"type": "http.response.body", "body": body})

    def _takes(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] != "GET":
            return False
        headers = Headers(scope=scope)
        accepts = headers.get("accept-encoding", "")
        return (
            scope["path"].startswith(self._places) and "gzip" in accepts and "range" not in headers
        )

    async def _packed(self, body: bytes) -> bytes:
        key = hashlib.sha256(body).digest()
        if key in self._kept:
            return self._kept[key]
        packed = await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)
        if key not in self._kept and self._kept_bytes + len(packed) <= self._most_kept:
            self._kept[key] = packed
            self._kept_bytes += len(packed)
        return packed
