"""One-time links that sign the owner in: the person who can write to MOODLINE_HOME.

A link's token is random. The home holds an empty file for each unused link, whose name is the
token's SHA-256: reading the folder signs nobody in, and whoever can write to it owns moodline's
database as well. Using a link deletes its file, so it works once, also with several dashboards.
"""

import hashlib
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from contracts.errors import SettingsError

LINK_LIFETIME_S: Final = 3600.0
_FOLDER: Final = "sign-in-links"
_TOKEN_BYTES: Final = 32
_MAX_TOKEN_LENGTH: Final = 128


def create_link(home: Path, clock: Callable[[], float] = time.time) -> str:
    """Create a link, and return its token. Raises SettingsError if the home cannot be written."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    folder = home / _FOLDER
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_expired(folder, clock())
        os.close(os.open(_path(home, token), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as exc:
        raise SettingsError(
            f"cannot create a sign-in link in {folder}: {exc.strerror}",
            hint="Set a MOODLINE_HOME that you can write to",
        ) from exc
    return token


def use_link(home: Path, token: str, clock: Callable[[], float] = time.time) -> bool:
    """Use a link up, and return whether it was valid: created, not expired and not yet used."""
    if not token or len(token) > _MAX_TOKEN_LENGTH:
        return False
    path = _path(home, token)
    try:
        created_at = path.stat().st_mtime
        path.unlink()  # Of two uses at once, one fails here.
    except OSError:
        return False
    return clock() - created_at < LINK_LIFETIME_S


def _remove_expired(folder: Path, now_s: float) -> None:
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # Used meanwhile.
            if now_s - path.stat().st_mtime >= LINK_LIFETIME_S:
                path.unlink()


def _path(home: Path, token: str) -> Path:
    """Return the link's file. As its name is a hash, the time of a look-up reveals no token."""
    return home / _FOLDER / hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
