"""An RTSP server that repeats recordings without encoding them again, over TCP or UDP."""

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedIOBase
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Self


def free_ports(count: int) -> list[int]:
    """Return ports that are free at the moment."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class RtspCamera:
    """Serves the recordings of a folder on a port of its own; a context manager.

    It can be killed and started again on the same port, like a camera that reboots.
    """

    def __init__(self, folder: Path, log: Path) -> None:
        self._folder = folder
        self._log = log
        self.port, self._control = free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, name: str, credentials: str = "") -> str:
        """The URL at which the recording is repeated without end."""
        return f"rtsp://{credentials}127.0.0.1:{self.port}/{name}?play_count=0"

    def start(self) -> None:
        """Start the server, and wait until it listens."""
        command = Path(sys.executable).with_name("rtsp-server")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(command, "-d", self._folder, "-H", "127.0.0.1"),
                    *("-p", str(self.port), "-cp", str(self._control)),
                ],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 120
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None, self._log.read_text()[-2000:]
                assert time.monotonic() < deadline, "the RTSP server does not listen"

    def signal(self, number: int) -> None:
        """Send the server a signal. SIGSTOP freezes it and its connections."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End the server at once, as a power failure would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()


@contextmanager
def over_udp(camera: RtspCamera) -> Iterator[int]:
    """Run a camera that sends only over UDP what another has over TCP; yield its port."""

    sessions: list[_UdpSession] = []

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                sessions.append(_UdpSession(listener.accept()[0], camera.port))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield int(listener.getsockname()[1])
    for session in sessions:
        session.requests.join(120)
        assert not session.requests.is_alive(), "a client that is gone still sends requests"


def _read_head(stream: BufferedIOBase) -> str:
    """Return the lines before the next empty one, or before the end of the stream."""
    lines = iter(stream.readline, b"")
    return b"".join(takewhile(lambda line: line != b"\r\n", lines)).decode()


class _UdpSession:
    """One client of `over_udp`: requests go to the camera, its frames to the client's ports."""

    def __init__(self, client: socket.socket, port: int) -> None:
        self._client = client
        self._camera = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind(("127.0.0.1", 0))
        self._ports: list[int] = []
        self.requests = threading.Thread(target=self._carry_requests, daemon=True)
        self.requests.start()
        threading.Thread(target=self._carry_replies, daemon=True).start()

    def _carry_requests(self) -> None:
        with suppress(OSError), self._client.makefile("rb") as lines:
            while request := _read_head(lines):
                if ports := re.search(r"RTP/AVP;unicast;client_port=(\d+)-(\d+)", request):
                    channels = f"{len(self._ports)}-{len(self._ports) + 1}"
                    wanted = f"RTP/AVP/TCP;unicast;interleaved={channels}"
                    request = request.replace(ports[0], wanted)
                    self._ports += map(int, ports.groups())
                elif request.startswith("SETUP"):
                    number = re.search(r"CSeq: \d+", request)
                    assert number is not None
                    refusal = f"RTSP/1.0 461 Unsupported Transport\r\n{number[0]}\r\n\r\n"
                    self._client.sendall(refusal.encode())
                    continue
                self._camera.sendall(request.encode() + b"\r\n")
        self._camera.close()

    def _carry_replies(self) -> None:
        with suppress(OSError, EOFError), self._camera.makefile("rb") as data:
            while mark := data.read(1):
                if mark == b"$":
                    channel, length = data.read(1)[0], int.from_bytes(data.read(2))
                    place = ("127.0.0.1", self._ports[channel])
                    self._datagrams.sendto(data.read(length), place)
                    continue
                head = mark.decode() + _read_head(data)
                size = re.search(r"(?i)content-length: (\d+)", head)
                body = data.read(int(size[1])) if size else b""
                here = self._datagrams.getsockname()[1]
                granted = f"RTP/AVP;unicast;server_port={here}-{here + 1}"
                head = re.sub(r"RTP/AVP/TCP\S*", granted, head)
                self._client.sendall(head.encode() + b"\r\n" + body)
        self._client.close()
