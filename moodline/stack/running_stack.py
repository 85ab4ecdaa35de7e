"""Where the `moodline up` of this home runs, for the other commands of the same home."""

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
_PLACE: Final = "up.json"


class RunningStack:
    """Says that the stack of this home runs, and where its broker is; a context manager.

    There is one at a time: raises SettingsError when another runs.
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
                f"moodline is up already in {self._home}",
                hint="`moodline status` shows it. Another MOODLINE_HOME runs beside it",
            ) from exc
        return self

    def announce(self, broker_url: str) -> None:
        """Say where the broker is."""
        part = self._home / f".{_PLACE}-{os.getpid()}"
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump({"pid": os.getpid(), "redis_url": broker_url}, file)
        part.replace(self._home / _PLACE)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        (self._home / _PLACE).unlink(missing_ok=True)
        os.close(self._lock)


def running_broker(settings: Settings) -> str:
    """The URL of the broker to look at: the setting's, or that of the `up` of this home; or ""."""
    if settings.redis_url:
        return settings.redis_url
    with suppress(OSError, ValueError, KeyError):
        place = json.loads((settings.home_path / _PLACE).read_text())
        if _is_locked(settings.home_path / _LOCK):  # Else it was killed, and left this behind.
            return str(place["redis_url"])
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
