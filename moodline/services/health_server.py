"""The HTTP server of a service's health: /healthz, /readyz and Prometheus' /metrics.

Beyond loopback, /metrics requires a bearer token. The server is one thread with an event loop: a
client gets a few seconds and a few kilobytes, and while all places are taken, the one that waits
longest makes room. So slow clients blind no probe.
"""

import asyncio
import hmac
import json
import socket
import threading
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from contracts.errors import SettingsError
from contracts.parsing.addresses import HostPort, is_loopback
from moodline.services.health import Health
from runtime.connections import ConnectionTable

_CLIENT_S: Final = 5.0
"""The time of a client, from its connection to the end of the answer."""
_MAX_CLIENTS: Final = 64
_MAX_HEAD_BYTES: Final = 8192
_BACKLOG: Final = 256
_LOOKS_AT_SYSTEM: Final = ("/readyz", "/metrics")


class HealthServer:
    """Serves a `Health` from a thread; a context manager. address: None serves nothing.

    Raises SettingsError if the address cannot be used, or needs a token and has none.
    """

    def __init__(self, health: Health, address: HostPort | None, token: str) -> None:
        self._health = health
        self._token = token
        self._clients = ConnectionTable(_MAX_CLIENTS, _MAX_CLIENTS)
        self._listener = None if address is None else _listener(address, token)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on; 0 if it serves nothing."""
        return int(self._listener.getsockname()[1]) if self._listener else 0

    def __enter__(self) -> Self:
        if self._listener is not None:
            self._loop = asyncio.new_event_loop()
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._loop.close()

    def _run(self) -> None:
        assert self._loop is not None
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(
            self._serve_client, sock=self._listener, limit=_MAX_HEAD_BYTES, backlog=_BACKLOG
        )
        await self._stop.wait()
        server.close()
        self._clients.drop_all()
        if left := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(left, timeout=_CLIENT_S)

    async def _serve_client(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        address = writer.get_extra_info("peername") or ("",)
        client, _ = self._clients.add(str(address[0]), writer.transport.abort)
        if client is None:
            writer.transport.abort()
            return
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                async with asyncio.timeout(_CLIENT_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                    self._clients.note_answering(client)
                    if _path(head) in _LOOKS_AT_SYSTEM:
                        # It reads servers that may be slow; the other probes do not wait for them.
                        writer.write(await asyncio.to_thread(self._answer, head))
                    else:
                        writer.write(self._answer(head))
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        finally:
            self._clients.remove(client)
            writer.transport.abort()

    def _answer(self, head: bytes) -> bytes:
        """Return the whole response to a request."""
        request, *fields = head.decode("latin-1").split("\r\n")
        path = _path(head)
        if not request.startswith("GET "):
            return _text(HTTPStatus.METHOD_NOT_ALLOWED, "only GET is answered\n")
        if path == "/healthz":
            return _state(*self._health.alive())
        if path == "/readyz":
            return _state(*self._health.ready())
        if path != "/metrics":
            return _text(HTTPStatus.NOT_FOUND, "not found\n")
        if not self._is_authorized(fields):
            return _text(HTTPStatus.UNAUTHORIZED, "a bearer token is required\n")
        self._health.look_at_system()
        return _response(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self._health.registry))

    def _is_authorized(self, fields: list[str]) -> bool:
        values = (one.partition(":") for one in fields)
        given = next((value for name, _, value in values if name.lower() == "authorization"), "")
        expected = f"Bearer {self._token}"
        return not self._token or hmac.compare_digest(given.strip().encode(), expected.encode())


def _path(head: bytes) -> str:
    """Return the path of a request, without its query."""
    target = head.decode("latin-1").partition("\r\n")[0].partition(" ")[2]
    return target.partition(" ")[0].partition("?")[0]


def _listener(address: HostPort, token: str) -> socket.socket:
    if not token and not is_loopback(address.host):
        raise SettingsError(
            f"MOODLINE_HEALTH: {address} is not on loopback, so /metrics needs a token",
            hint="Set MOODLINE_HEALTH_TOKEN, or use 127.0.0.1",
        )
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family)
    except OSError as exc:
        raise SettingsError(
            f"MOODLINE_HEALTH: cannot listen on {address}: {exc.strerror}",
            hint="Another service may use the port",
        ) from exc


def _state(ok: bool, facts: dict[str, object]) -> bytes:
    status = HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE
    return _response(status, "application/json", json.dumps({"ok": ok} | facts).encode())


def _text(status: HTTPStatus, text: str) -> bytes:
    return _response(status, "text/plain", text.encode())


def _response(status: HTTPStatus, kind: str, body: bytes) -> bytes:
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body
