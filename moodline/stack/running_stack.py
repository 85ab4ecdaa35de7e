"""The address of the running `moodline up`, for the other commands of the same home folder."""

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from contracts.errors import SettingsError
from contracts.settings import Settings

_LOCK: Final = "up.lock"
_ADDRESS: Final = "up.json"


class RunningStack:
    """Holds the lock of a home folder and publishes its broker's URL; a context manager.

    Raises SettingsError if another stack runs in this home, or the folder cannot be used.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = -1

    def __enter__(self) -> Self:
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._home / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as exc:
            raise SettingsError(
                f"cannot use {self._home}: {exc.strerror}", hint="Set MOODLINE_HOME"
            ) from exc
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(self._lock)
            raise SettingsError(
                f"moodline is already running in {self._home}",
                hint="Stop it first, or set another MOODLINE_HOME",
            ) from exc
        except OSError as exc:
            os.close(self._lock)
            raise SettingsError(
                f"cannot lock files in {self._home}: {exc.strerror}",
                hint="Set MOODLINE_HOME to a folder on a file system with locks, as a local one",
            ) from exc
        return self

    def announce(self, broker_url: str) -> None:
        """Write the broker's URL where the other commands find it."""
        part = self._home / f".{_ADDRESS}-{os.getpid()}"
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump({"pid": os.getpid(), "redis_url": broker_url}, file)
        part.replace(self._home / _ADDRESS)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        (self._home / _ADDRESS).unlink(missing_ok=True)
        os.close(self._lock)


def running_broker(settings: Settings) -> str:
    """Return the broker's URL: the setting, else that of this home's `moodline up`, else ""."""
    if settings.redis_url:
        return settings.redis_url
    with suppress(OSError, ValueError, KeyError):
        address = json.loads((settings.home_path / _ADDRESS).read_text())
        if _is_locked(settings.home_path / _LOCK):  # Otherwise it was killed and left the file.
            return str(address["redis_url"])
    return ""


def _is_locked(path: Path) -> bool:
    lock = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
