"""The health of a service over HTTP: /healthz, /readyz and Prometheus' /metrics.

Beyond loopback, /metrics requires a bearer token.
"""

import hmac
import json
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from contracts.addresses import HostPort, is_loopback
from contracts.errors import SettingsError
from contracts.redaction import redact

_REQUEST_S: Final = 5.0
_MAX_REQUESTS: Final = 16
_STALLS: Final = 2


class Health:
    """The health of this service, as its main loop notes it.

    stall_s: longest time between two steps of a service that is alive. clock: in seconds.
    """

    def __init__(self, stall_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.registry = CollectorRegistry()
        self._stall_s = stall_s
        self._clock = clock
        self._stepped_at = clock()
        self._trouble = "starting"
        ready = Gauge(
            "moodline_ready", "1 when the service can work, else 0.", registry=self.registry
        )
        ready.set_function(lambda: float(not self._trouble))

    @classmethod
    def for_steps(cls, stall_s: float) -> Self:
        """Return the health of a service each step of which may take `stall_s`, plus as much."""
        return cls(_STALLS * stall_s)

    def note_step(self, trouble: str) -> None:
        """Note the end of a step. trouble: why the service could not work, or ""."""
        self._stepped_at = self._clock()
        self._trouble = redact(trouble)

    def alive(self) -> tuple[bool, dict[str, object]]:
        """Return whether the main loop runs; if not, the service is stuck and must be restarted."""
        age_s = self._clock() - self._stepped_at
        return age_s <= self._stall_s, {"last_turn_s": round(age_s, 1)}

    def ready(self) -> tuple[bool, dict[str, object]]:
        """Return whether the service can work: it reaches broker and database, and has a model."""
        alive, facts = self.alive()
        return alive and not self._trouble, facts | {"trouble": self._trouble}


class HealthServer:
    """Serves a `Health` from a thread; a context manager. address: None serves nothing.

    Raises SettingsError if the address cannot be used, or needs a token and has none.
    """

    def __init__(self, health: Health, address: HostPort | None, token: str) -> None:
        self._server: ThreadingHTTPServer | None = None
        if address is None:
            return
        if not token and not is_loopback(address.host):
            raise SettingsError(
                f"MOODLINE_HEALTH: {address} is not on loopback, so /metrics needs a token",
                hint="Set MOODLINE_HEALTH_TOKEN, or use 127.0.0.1",
            )
        try:
            self._server = _BoundedServer((address.host, address.port), _handler(health, token))
        except OSError as exc:
            raise SettingsError(
                f"MOODLINE_HEALTH: cannot listen on {address}: {exc.strerror}",
                hint="Another service may use the port",
            ) from exc

    @property
    def port(self) -> int:
        """The port that it listens on; 0 if it serves nothing."""
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
    """Answers at most _MAX_REQUESTS at a time; further requests wait in the kernel's queue."""

    daemon_threads = True

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._slots = threading.BoundedSemaphore(_MAX_REQUESTS)

    def process_request(self, request: object, client_address: object) -> None:
        self._slots.acquire()
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def process_request_thread(self, request: object, client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]
        finally:
            self._slots.release()


def _handler(health: Health, token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _REQUEST_S

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/healthz":
                self._answer_state(*health.alive())
            elif path == "/readyz":
                self._answer_state(*health.ready())
            elif path == "/metrics" and self._is_authorized():
                self._answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(health.registry))
            elif path == "/metrics":
                self._answer(HTTPStatus.UNAUTHORIZED, "text/plain", b"a bearer token is required\n")
            else:
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"not found\n")

        def _is_authorized(self) -> bool:
            given = self.headers.get("Authorization", "")
            return not token or hmac.compare_digest(given.encode(), f"Bearer {token}".encode())

        def _answer_state(self, ok: bool, facts: dict[str, object]) -> None:
            status = HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE
            self._answer(status, "application/json", json.dumps({"ok": ok} | facts).encode())

        def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Log nothing: probes come every few seconds."""

    return Handler
