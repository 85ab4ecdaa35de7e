"""The identity of a recording's content."""

import hashlib
from pathlib import Path

from contracts.errors import SourceError


def content_hash(path: Path) -> str:
    """SHA-256 of the file, in hex. Raises SourceError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise SourceError(
            f"cannot read {path.name}: {exc.strerror}", hint="Check the path and its permissions"
        ) from exc
