"""A service's health over HTTP: /healthz, /readyz and Prometheus' /metrics.

Bound to loopback it answers all; beyond it /metrics asks for a bearer token.
"""

import hmac
import json
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from types import TracebackType
from typing import Final, Self

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from contracts.errors import SettingsError
from contracts.redaction import redact

_REQUEST_S: Final = 5.0
_MAX_REQUESTS: Final = 16


class Health:
    """What a service knows of itself. alive: a turn came within `stall_s`. ready: it could work."""

    def __init__(self, stall_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.registry = CollectorRegistry()
        self._stall_s = stall_s
        self._clock = clock
        self._turned_at = clock()
        self._trouble = "starting"
        ready = Gauge(
            "moodline_ready", "1 when the service can work, else 0.", registry=self.registry
        )
        ready.set_function(lambda: float(not self._trouble))

    def note_turn(self, trouble: str) -> None:
        """A turn is over; what kept it from working, or ""."""
        self._turned_at = self._clock()
        self._trouble = redact(trouble)

    def alive(self) -> tuple[bool, dict[str, object]]:
        """Whether it turns; a service that does not is stuck, and wants to be started again."""
        age_s = self._clock() - self._turned_at
        return age_s <= self._stall_s, {"last_turn_s": round(age_s, 1)}

    def ready(self) -> tuple[bool, dict[str, object]]:
        """Whether it can work: broker, database and model are there."""
        alive, facts = self.alive()
        return alive and not self._trouble, facts | {"trouble": self._trouble}


class HealthServer:
    """Serves a Health on "HOST:PORT" from a thread; a context manager. "" serves nothing.

    Raises SettingsError for an address that cannot be used.
    """

    def __init__(self, health: Health, address: str, token: str) -> None:
        self._server: ThreadingHTTPServer | None = None
        if not address:
            return
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        if not host or not port.isdigit():
            raise SettingsError(
                f"MOODLINE_HEALTH: {address!r} is not HOST:PORT", hint="Example: 127.0.0.1:9464"
            )
        if not token and not _is_loopback(host):
            raise SettingsError(
                f"MOODLINE_HEALTH: {address} is beyond loopback, where /metrics needs a token",
                hint="Set MOODLINE_HEALTH_TOKEN, or bind 127.0.0.1",
            )
        try:
            self._server = _BoundedServer((host, int(port)), _handler(health, token))
        except OSError as exc:
            raise SettingsError(
                f"MOODLINE_HEALTH: cannot listen on {address}: {exc.strerror}",
                hint="Another service may have the port",
            ) from exc

    @property
    def port(self) -> int:
        """The port that it listens on; 0 when it serves nothing."""
        return int(self._server.server_address[1]) if self._server else 0

    def __enter__(self) -> Self:
        if self._server is not None:
            threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


class _BoundedServer(ThreadingHTTPServer):
    """At most so many requests at a time; what comes above waits in the kernel's queue."""

    daemon_threads = True

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._room = threading.BoundedSemaphore(_MAX_REQUESTS)

    def process_request(self, request: object, client_address: object) -> None:
        self._room.acquire()
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def process_request_thread(self, request: object, client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]
        finally:
            self._room.release()


def _handler(health: Health, token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _REQUEST_S

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/healthz":
                self._answer_state(*health.alive())
            elif path == "/readyz":
                self._answer_state(*health.ready())
            elif path == "/metrics" and self._may_read():
                self._answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(health.registry))
            elif path == "/metrics":
                self._answer(HTTPStatus.UNAUTHORIZED, "text/plain", b"a bearer token is needed\n")
            else:
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"not found\n")

        def _may_read(self) -> bool:
            given = self.headers.get("Authorization", "")
            return not token or hmac.compare_digest(given.encode(), f"Bearer {token}".encode())

        def _answer_state(self, holds: bool, facts: dict[str, object]) -> None:
            status = HTTPStatus.OK if holds else HTTPStatus.SERVICE_UNAVAILABLE
            self._answer(status, "application/json", json.dumps({"ok": holds} | facts).encode())

        def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Probes come every few seconds: they are no news."""

    return Handler


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
