"""How far a live run has published, in a file of this host: counts only, and small.

A broker that dies takes its frames along. Their reader still knows how many there were, unless it
dies as well; this file then tells, so that they are counted as lost.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import structlog

from contracts.frames import Counters

log = structlog.get_logger()


class PublishedMark:
    """The mark of one run. Where it cannot be written the run goes on without."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self._path = folder / f"{run_id}.json"
        self._file = -1
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError as exc:
            log.warning("cannot mark what is published", path=str(self._path), reason=str(exc))

    def note(self, seq: int, counters: Counters) -> None:
        """The message `seq` was published, with these totals."""
        if self._file < 0:
            return
        line = json.dumps({"seq": seq, "counters": asdict(counters)})
        # In place, and of one length: a reader finds the old line or the new one.
        with suppress(OSError):
            os.pwrite(self._file, line.ljust(_LINE).encode(), 0)

    def close(self, *, forget: bool) -> None:
        """Forget it, when the run's end was published."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if forget:
            self._path.unlink(missing_ok=True)

    @classmethod
    def read(cls, folder: Path, run_id: str) -> tuple[int, Counters] | None:
        """What was noted last; None where this host knows nothing of the run."""
        try:
            values = json.loads((folder / f"{run_id}.json").read_text())
            return values["seq"], Counters(**values["counters"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @classmethod
    def forget(cls, folder: Path, run_id: str) -> None:
        """Remove the file of a run that has ended."""
        with suppress(OSError):
            (folder / f"{run_id}.json").unlink(missing_ok=True)


_LINE = 512
