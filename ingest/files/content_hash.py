"""Content hash: the identity of a recording, which does not depend on its name."""

import hashlib
from pathlib import Path

from contracts.errors import SourceError


def content_hash(path: Path) -> str:
    """Return the SHA-256 of the file, in hex. Raises SourceError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise SourceError(
            f"{path.name} cannot be read: {exc.strerror}", hint="Check the path and its permissions"
        ) from exc
