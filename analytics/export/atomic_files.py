"""Atomic files: written under a temporary name, then renamed when they are complete."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_PREFIX: Final = ".moodline-part-"


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary file in the same folder, which replaces `path` after the block.

    If the block raises, the temporary file is removed and `path` stays as it was. The file is
    locked while it is written, so unlocked temporary files are leftovers of killed processes: they
    are removed. Raises OSError.
    """
    folder = path.absolute().parent
    for leftover in folder.glob(f"{_PREFIX}*"):
        _remove_abandoned(leftover)
    handle, name = tempfile.mkstemp(prefix=_PREFIX, dir=folder)
    part = Path(name)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield part
        part.chmod(0o644)
        os.fsync(handle)  # Before the rename, or a power cut could leave an incomplete file.
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
        os.close(handle)


def _remove_abandoned(path: Path) -> None:
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(handle)
