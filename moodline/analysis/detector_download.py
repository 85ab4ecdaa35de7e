"""Download of a detector's file: checked by its hash, and there either whole or not at all."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import IO, Final
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from contracts.errors import ModelError
from contracts.redaction import redact

_BLOCK_BYTES: Final = 2**14
_TIMEOUT_S: Final = 30.0
_HINT: Final = (
    "Download the file on another host and name it in MOODLINE_YUNET_FILE or "
    "MOODLINE_LANDMARKS_FILE, or name a mirror with --url"
)


def download(
    url: str,
    path: Path,
    sha256: str,
    *,
    largest_bytes: int,
    on_progress: Callable[[int, int | None], None] = lambda _done, _total: None,
) -> None:
    """Write the file at `url` to `path`, private to its owner, if it has the hash.

    A file that is there is replaced at the end, and kept if anything fails. on_progress: called
    with the bytes so far, and those of the whole file if the server names them. Raises ModelError.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ModelError(f"{redact(url)} is not an http or https URL")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Its name is of nobody else, and its permissions are 0600.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            found = _copy(url, file, largest_bytes, on_progress)
            file.flush()
            os.fsync(file.fileno())
        if found != sha256:
            raise ModelError(
                f"{redact(url)} is not the expected file: its sha256 is {found[:12]}..., "
                f"not {sha256[:12]}...",
                hint=_HINT,
            )
        Path(name).replace(path)
    except (URLError, HTTPException, OSError) as exc:
        reason = getattr(exc, "reason", None) or exc
        raise ModelError(f"cannot download {redact(url)}: {reason}", hint=_HINT) from exc
    finally:
        Path(name).unlink(missing_ok=True)


def _copy(
    url: str,
    file: IO[bytes],
    largest_bytes: int,
    on_progress: Callable[[int, int | None], None],
) -> str:
    """Copy the answer to the file; return its sha256."""
    digest, done = hashlib.sha256(), 0
    request = Request(url, headers={"User-Agent": "moodline"})  # noqa: S310  (scheme is checked)
    with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
        length = answer.headers.get("Content-Length")
        total = int(length) if length and length.isdigit() else None
        on_progress(0, total)
        while block := answer.read(_BLOCK_BYTES):
            done += len(block)
            if done > largest_bytes:
                raise ModelError(
                    f"{redact(url)} is larger than {largest_bytes // 2**20} MiB", hint=_HINT
                )
            file.write(block)
            digest.update(block)
            on_progress(done, total)
    if total is not None and done < total:
        raise ModelError(f"{redact(url)} ended after {done:,} of {total:,} bytes", hint=_HINT)
    return digest.hexdigest()
