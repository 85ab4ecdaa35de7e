"""Hosts that try to lead moodline elsewhere, and a listener that must see no connection."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

Answer = Callable[[str, dict[str, str]], str]


class Target:
    """A listener on another loopback address that must never see a connection."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.9", 0))
        self.port = int(self._listener.getsockname()[1])

    def assert_untouched(self) -> None:
        """The kernel would have accepted a connection already."""
        self._listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            self._listener.accept()

    def close(self) -> None:
        self._listener.close()


@contextmanager
def rtsp_server(answer: Answer, port: int = 0) -> Iterator[int]:
    """Run an RTSP server that sends `answer(request line, headers)`, as it is; yield its port."""

    def serve(client: socket.socket) -> None:
        with suppress(OSError), client, client.makefile("rb") as lines:
            while first := lines.readline().decode().strip():
                headers = {}
                while line := lines.readline().decode().strip():
                    name, _, value = line.partition(": ")
                    headers[name] = value
                client.sendall(answer(first, headers).encode())

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", port)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield int(listener.getsockname()[1])


def reply(status: str, headers: dict[str, str], *more: str, body: str = "") -> str:
    """Return an RTSP reply to the request with these headers."""
    if body:
        more = (*more, f"Content-Length: {len(body)}")
    return "\r\n".join([f"RTSP/1.0 {status}", f"CSeq: {headers['CSeq']}", *more, "", body])


SDP = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n"
