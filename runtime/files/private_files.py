"""Private files: only moodline's own user reads what moodline writes, unless the owner shares it.

The umask of the process decides, so that it holds for SQLite, FFmpeg and child processes too.
"""

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

PRIVATE_UMASK: Final = 0o077


def make_private(folders: Iterable[Path], files: Iterable[Path], umask: int) -> int:
    """Take the permissions of `umask` from folders with all in them, and from files.

    Returns how many files and folders had one. Links are not followed. Left as they are: files of
    other users, and folders that other programs use too.
    """
    known = {one.resolve() for one in folders}
    own = [one for one in known if _is_open(one, umask) and not _is_shared(one)]
    inside = (
        Path(root, name)
        for folder in own
        for root, names, leaves in os.walk(folder)
        for name in (*names, *leaves)
    )
    return sum(_close(one, umask) for one in (*own, *files, *inside))


def _is_open(path: Path, umask: int) -> bool:
    """Return whether others may use the path. Nobody reaches what is in a closed folder."""
    try:
        return bool(path.stat().st_mode & umask)
    except OSError:
        return False


def _is_shared(folder: Path) -> bool:
    """Return whether it is a folder for temporary files, the user's home, or above it."""
    is_temporary = folder.stat().st_mode & stat.S_ISVTX
    return bool(is_temporary) or Path.home().resolve().is_relative_to(folder.resolve())


def _close(path: Path, umask: int) -> bool:
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid():
            return False
        if not found.st_mode & umask:
            return False
        path.chmod(stat.S_IMODE(found.st_mode) & ~umask)
    except OSError:  # It was removed meanwhile.
        return False
    return True
