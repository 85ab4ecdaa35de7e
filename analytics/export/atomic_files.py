"""Atomic files: written under a temporary name, then renamed when they are complete."""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from runtime.files.regular_files import open_below

_PREFIX: Final = ".moodline-part-"


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary file in the same folder, which replaces `path` after the block.

    A new file has the permissions that the umask leaves; one that existed keeps its own. If the
    block raises, the temporary file is removed and `path` stays as it was. Raises OSError.
    """
    folder = path.absolute().parent
    remove_abandoned_parts(folder)
    part = folder / f"{_PREFIX}{secrets.token_hex(8)}{path.suffix}"
    # Not tempfile: it ignores the umask, by which an owner shares files with a group.
    handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with suppress(OSError):  # Where nothing can be locked, nobody removes it either.
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield part
        with suppress(FileNotFoundError):
            os.fchmod(handle, stat.S_IMODE(path.stat().st_mode))
        os.fsync(handle)  # Before the rename, or a power cut could leave an incomplete file.
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
        os.close(handle)


def remove_abandoned_parts(folder: Path) -> None:
    """Remove the temporary files of killed processes: a file is locked while it is written."""
    for leftover in folder.glob(f"{_PREFIX}*"):
        _remove_abandoned(leftover)


def is_part(path: Path) -> bool:
    """Return whether it is a temporary file of `atomic_file`."""
    return path.name.startswith(_PREFIX)


def _remove_abandoned(path: Path) -> None:
    # Others may write to this folder too, and leave a pipe or a link of that name.
    with suppress(OSError), open_below(path.parent, [path.name]) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
