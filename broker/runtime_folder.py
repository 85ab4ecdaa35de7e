"""The folder of one command for its sockets and logs, locked as long as the command lives."""

import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from contracts.errors import BrokerError

_PREFIX: Final = "moodline-"
_LONGEST_PARENT: Final = 60
"""The path of a unix socket has at most 108 bytes."""


class RuntimeFolder:
    """A new private folder. path: short enough for a unix socket in it.

    Creating one removes the folders of commands that were killed.
    """

    def __init__(self) -> None:
        parent = Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")  # noqa: S108
        if len(str(parent)) > _LONGEST_PARENT or not os.access(parent, os.W_OK):
            parent = Path("/tmp")  # noqa: S108
        _remove_dead_folders(parent)
        self.path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
        self._handle = _locked(self.path)

    def renew(self) -> None:
        """Create the folder again if it was deleted, such as by a cleaner of temporary files.

        Raises BrokerError if another user has made it meanwhile.
        """
        self.path.mkdir(mode=0o700, exist_ok=True)
        if not _is_private(self.path):
            raise BrokerError(
                f"cannot start the broker again: {self.path} belongs to another user",
                hint="Start moodline again, or set XDG_RUNTIME_DIR to a folder of your own",
            )
        self._unlock()
        self._handle = _locked(self.path)

    def remove(self) -> None:
        """Delete the folder with all in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._unlock()

    def _unlock(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1


def _locked(folder: Path) -> int:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    with suppress(OSError):  # Without locks, only the process number protects it.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return handle


def _remove_dead_folders(parent: Path) -> None:
    """Remove the folders of commands that were killed."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if (
            pid.isdigit()
            and not _is_running(int(pid))
            and _is_private(folder)
            and not _is_locked(folder)
        ):
            shutil.rmtree(folder, ignore_errors=True)


def _is_locked(folder: Path) -> bool:
    """Return whether its command lives, perhaps in a container with other process numbers.

    Also if that is not known.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _is_private(folder: Path) -> bool:
    """Return whether it is a folder that only this user can open."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    )


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
