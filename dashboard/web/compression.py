"""Compression of static scripts and style sheets, done once for all who load them."""

import asyncio
import gzip
import hashlib
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATIC_PATHS: Final = ("assets/", "_dash-component-suites/")
"""Below the prefix: files that are the same for everyone, signed in or not."""
CACHE_BYTES: Final = 16_000_000
"""The limit of the cache; files beyond it are compressed for each request."""
_LEVEL: Final = 9
_MIN_BYTES: Final = 2048


class CachedCompression:
    """ASGI middleware that sends files below `paths` gzipped, from a cache by content.

    The first visit loads megabytes. Compressing them takes longer than everything else the
    server does for a page, and would delay the other requests.
    """

    def __init__(
        self, app: ASGIApp, *, paths: tuple[str, ...], cache_bytes: int = CACHE_BYTES
    ) -> None:
        self._app = app
        self._paths = paths
        self._cache_bytes = cache_bytes
        self._cache: dict[bytes, bytes] = {}
        self._cached_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._applies(scope):
            await self._app(scope, receive, send)
            return
        messages = list[Message]()

        async def collect(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, collect)
        start, *parts = messages or [{}]
        if not parts or parts[-1].get("more_body", False):  # The client disconnected.
            return
        body = b"".join(part.get("body", b"") for part in parts)
        headers = MutableHeaders(scope=start)
        if start["status"] == HTTPStatus.OK and "content-encoding" not in headers:
            headers.add_vary_header("Accept-Encoding")
            if len(body) >= _MIN_BYTES:
                body = await self._compressed(body)
                headers["Content-Encoding"] = "gzip"
                headers["Content-Length"] = str(len(body))
        await send(start)
        await send({"type": "http.response.body", "body": body})

    def _applies(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] != "GET":
            return False
        headers = Headers(scope=scope)
        accepts = headers.get("accept-encoding", "")
        return (
            scope["path"].startswith(self._paths) and "gzip" in accepts and "range" not in headers
        )

    async def _compressed(self, body: bytes) -> bytes:
        key = hashlib.sha256(body).digest()
        if key in self._cache:
            return self._cache[key]
        compressed = await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)
        if key not in self._cache and self._cached_bytes + len(compressed) <= self._cache_bytes:
            self._cache[key] = compressed
            self._cached_bytes += len(compressed)
        return compressed
