"""PublishedCounts: a small file of this host with the counts that a live run has published.

A broker that dies loses its frames. The process that published them still knows their number. If
that process dies too, this file lets `end_orphaned_runs` count them as lost.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final

import structlog

from contracts.frames import Counters

log = structlog.get_logger()

_LINE_BYTES: Final = 512


class PublishedCounts:
    """The file of one run. If it cannot be written, the run continues without it."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self._path = _path(folder, run_id)
        self._file = -1
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError as exc:
            log.warning("cannot write published counts", path=str(self._path), reason=str(exc))

    def write(self, seq: int, counters: Counters) -> None:
        """Write the counts of the last published message. seq: its number."""
        if self._file < 0:
            return
        line = json.dumps({"seq": seq, "counters": asdict(counters)})
        # In place, and always of the same length: a reader sees the old line or the new one.
        with suppress(OSError):
            os.pwrite(self._file, line.ljust(_LINE_BYTES).encode(), 0)

    def close(self, *, delete: bool) -> None:
        """Close the file. delete: because the end of the run was published."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if delete:
            self._path.unlink(missing_ok=True)

    @classmethod
    def read(cls, folder: Path, run_id: str) -> tuple[int, Counters] | None:
        """Return the last number and counts written; None if this host has none of the run."""
        try:
            values = json.loads(_path(folder, run_id).read_text())
            return values["seq"], Counters(**values["counters"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @classmethod
    def delete(cls, folder: Path, run_id: str) -> None:
        """Delete the file of a run that has ended."""
        with suppress(OSError):
            _path(folder, run_id).unlink(missing_ok=True)


def _path(folder: Path, run_id: str) -> Path:
    return folder / f"{run_id}.json"
