"""The address of the running `moodline up`, for the other commands of the same home folder."""

import fcntl
import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from contracts.errors import MoodlineError, SettingsError
from contracts.settings import Settings
from runtime.process_identity import claimant_name, is_running_here

_LOCK: Final = "up.lock"
_ADDRESS: Final = "up.json"
_POLL_S: Final = 0.1


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
            facts = {"pid": os.getpid(), "redis_url": broker_url, "process": claimant_name()}
            json.dump(facts, file)
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
    return settings.redis_url or str(_announced(settings.home_path).get("redis_url", ""))


def belongs_to_up(settings: Settings) -> bool:
    """Return whether `moodline up` runs the services here, or would: no broker is set.

    The services that `moodline up` starts have the address of its broker as a setting.
    """
    announced = _announced(settings.home_path).get("redis_url")
    return not settings.redis_url or announced == settings.redis_url


def stop_up(settings: Settings, timeout_s: float) -> bool:
    """Stop this home's `moodline up` and wait until it has ended; False if none runs.

    Raises MoodlineError if it runs elsewhere, as in a container, or does not end in time.
    """
    home = settings.home_path
    announced = _announced(home)
    if not announced:
        return False
    if not is_running_here(announced.get("process")):
        raise MoodlineError(
            f"moodline runs in {home}, on another host or in a container",
            hint="Stop it there",
        )
    with suppress(ProcessLookupError):
        os.kill(int(announced["pid"]), signal.SIGTERM)
    until = time.monotonic() + timeout_s
    while _is_locked(home / _LOCK):
        if time.monotonic() > until:
            raise MoodlineError(
                f"moodline has not ended within {timeout_s:.0f} s",
                hint="It may still write: run `moodline down` again",
            )
        time.sleep(_POLL_S)
    return True


def _announced(home: Path) -> dict[str, Any]:
    """Return what the running stack of this home has announced; {} if none runs."""
    with suppress(OSError, ValueError):
        address = json.loads((home / _ADDRESS).read_text())
        if _is_locked(home / _LOCK) and isinstance(address, dict):  # Else it was killed.
            return address
    return {}


def _is_locked(path: Path) -> bool:
    lock = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
