"""Content hash: the identity of a recording, which does not depend on its name."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from contracts.errors import SourceError
from runtime.files.regular_files import open_regular

COPY_AGAIN: Final = "Copy it again from the device that recorded it"

Opener = Callable[[Path], BinaryIO]
"""Opens a file to be read. Raises OSError, and SourceError if it is not allowed."""

_PART_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a file. digest: SHA-256, in hex. file_state: as of `file_state`."""

    digest: str
    file_state: str


def read_content(path: Path, open_file: Opener = open_regular) -> Content:
    """Return the content of the file. Raises SourceError if it cannot be read."""
    try:
        with open_file(path) as file:
            if os.fstat(file.fileno()).st_size == 0:
                # All empty files have the same content: it would be the error of the first.
                raise SourceError(f"{path.name} is empty (0 bytes)", hint=COPY_AGAIN)
            state = file_state(file)
            return Content(digest_of(file), state)
    except OSError as exc:
        raise SourceError(
            f"{path.name} cannot be read: {exc.strerror}", hint="Check the path and its permissions"
        ) from exc


def file_state(file: BinaryIO) -> str:
    """Return the size and the modification time of an open file: if equal, it was not changed."""
    status = os.fstat(file.fileno())
    return f"{status.st_size} {status.st_mtime_ns}"


def digest_of(file: BinaryIO, on_step: Callable[[], object] = bool) -> str:
    """Return the SHA-256 of an open file, in hex. on_step: called after each part is read."""
    digest = hashlib.sha256()
    file.seek(0)
    while part := file.read(_PART_BYTES):
        digest.update(part)
        on_step()
    return digest.hexdigest()


def require_content(
    path: Path, expected: Content, on_step: Callable[[], object] = bool, *, name: str = ""
) -> None:
    """Raise SourceError if the file no longer has the content that was queued.

    It is read only if its size or modification time changed. on_step: called while it is read.
    name: for errors; by default that of the path.
    """
    if not expected.file_state:  # Queued by an older version.
        return
    try:
        with open_regular(path) as file:
            if file_state(file) == expected.file_state:
                return
            if digest_of(file, on_step) == expected.digest:
                return
    except OSError:
        return  # Opening the recording names what is wrong with the file.
    raise SourceError(
        f"{name or path.name} was changed or exchanged after it was queued", hint="Queue it again"
    )
