"""Opening files that others may have put there: regular files only, and without waiting.

An ordinary `open` of a named pipe waits for its writer, and that of a device can change its state.
"""

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY | os.O_NOFOLLOW


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file to read its bytes.

    Raises OSError, also for a folder, a pipe, a device or a socket.
    """
    _require_regular(path.stat())
    return _checked_file(os.open(path, _FLAGS))


def read_regular(path: Path) -> bytes:
    """Return the bytes of a regular file. Raises OSError as `open_regular` does."""
    with open_regular(path) as file:
        return file.read()


def open_below(folder: Path, parts: Sequence[str]) -> BinaryIO:
    """Open the regular file `parts` below `folder`, name by name.

    No part may be a symbolic link, so nobody who can write below the folder can exchange a part
    and lead out of it, not even between a check and this call. Raises OSError.
    """
    if not parts or any(part in {"", ".", ".."} or "/" in part for part in parts):
        raise OSError(errno.EINVAL, "not a name below the folder", "/".join(parts))
    handle = os.open(folder, _FOLDER_FLAGS & ~os.O_NOFOLLOW)
    try:
        for part in parts[:-1]:
            below = os.open(part, _FOLDER_FLAGS, dir_fd=handle)
            os.close(handle)
            handle = below
        _require_regular(os.stat(parts[-1], dir_fd=handle, follow_symlinks=False))
        return _checked_file(os.open(parts[-1], _FLAGS | os.O_NOFOLLOW, dir_fd=handle))
    finally:
        os.close(handle)


def _checked_file(handle: int) -> BinaryIO:
    """Return the open file, unless it was exchanged after the first check."""
    try:
        _require_regular(os.fstat(handle))
        os.set_blocking(handle, True)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _require_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
