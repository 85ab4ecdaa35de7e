"""File locks: whether the file system of a folder has them. Some network file systems do not."""

import fcntl
import tempfile
from contextlib import suppress
from pathlib import Path


def lock_failure(folder: Path) -> str:
    """Return why files in the folder cannot be locked, or "".

    A folder in which no file can be created is not judged.
    """
    with suppress(OSError), tempfile.TemporaryFile(dir=folder) as file:
        try:
            # SQLite takes POSIX locks, and moodline BSD locks.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            return exc.strerror or str(exc)
    return ""
