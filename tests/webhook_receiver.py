"""A webhook receiver on a free port, which answers as a test says and keeps what it got."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

from standardwebhooks import Webhook

HANG = 0
"""In the place of a status: no answer comes."""
CUT = 1
"""In the place of a status: the connection ends without an answer."""


@dataclass
class Receiver:
    """statuses: of the next answers; then `usual`. got: (id, time, signature, body) of each."""

    usual: int = 204
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, str, str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    port: int = 0
    released: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/moodline?a=1"

    @property
    def ids(self) -> list[str]:
        return [one[0] for one in self.got]

    def answer(self, handler: BaseHTTPRequestHandler) -> int:
        headers = handler.headers
        body = handler.rfile.read(int(headers["content-length"])).decode()
        with self.lock:
            names = ("webhook-id", "webhook-timestamp", "webhook-signature")
            got: Any = tuple(headers[name] for name in names)
            self.got.append((*got, body))
            self.paths.append(handler.path)
            self.logins.append(headers.get("authorization", ""))
            return self.statuses.pop(0) if self.statuses else self.usual

    def all_signed(self, secret: str) -> bool:
        """Whether every message has a valid signature."""
        hook = Webhook(secret)
        return all(
            hook.sign(message_id, datetime.fromtimestamp(int(at), UTC), body) == signature
            for message_id, at, signature, body in self.got
        )


@contextmanager
def webhook_receiver(receiver: Receiver, port: int = 0) -> Iterator[Receiver]:
    """Run the receiver. port: where it ran before; 0 for a free one."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = receiver.answer(self)
            if status == HANG:
                receiver.released.wait(60)
            if status in (HANG, CUT):
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        request_queue_size = 64
        daemon_threads = True

    with Server(("127.0.0.1", port), Handler) as server:
        receiver.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield receiver
        finally:
            receiver.released.set()
            server.shutdown()
            thread.join()
