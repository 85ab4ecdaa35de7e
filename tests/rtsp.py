"""An RTSP server that repeats recordings without encoding them again."""

import socket
import subprocess
import sys
import time
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
