"""Files that appear whole or not at all: written beside their place, then moved there."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_PREFIX: Final = ".moodline-part-"


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A file to write, which becomes `path` once it is on the disk. Raises OSError.

    While it is written it is locked: what nobody holds, a killed process has left, and is removed.
    """
    folder = path.absolute().parent
    for left in folder.glob(f"{_PREFIX}*"):
        _remove_abandoned(left)
    handle, name = tempfile.mkstemp(prefix=_PREFIX, dir=folder)
    part = Path(name)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield part
        part.chmod(0o644)
        os.fsync(handle)  # Before the move: or a power cut could leave half of it in its place.
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
        os.close(handle)


def _remove_abandoned(left: Path) -> None:
    with suppress(OSError):
        handle = os.open(left, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()
        finally:
            os.close(handle)
