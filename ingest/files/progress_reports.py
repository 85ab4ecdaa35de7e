"""The messages between an ingest process and its parent: which run to publish, and its progress."""

import time
from dataclasses import dataclass
from typing import Final

from runtime.pipes import PipeMessage, send

SHARES_MEMORY: Final = "shares-memory"
"""The argument of an ingest process whose workers are all on this host."""
_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class PublishRun(PipeMessage):
    """An order: publish the recording of this run.

    singly: send each frame before the next one is decoded: the decoder has crashed on this run.
    """

    run_id: str
    singly: bool = False


@dataclass(frozen=True, slots=True)
class ProgressReport(PipeMessage):
    """Progress of one run: frames and bytes published since the last report.

    trouble: what the publisher waits for, or "". ended: whether this is the run's last report.
    error: why the run could not be published, or "".
    """

    run_id: str
    frames: int = 0
    bytes: int = 0
    trouble: str = ""
    ended: bool = False
    error: str = ""


class ProgressReporter:
    """Adds up what was published, and writes a report to a pipe once a second."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._run_id = ""
        self._frames = self._bytes = 0
        self._trouble = ""
        self._report_at = 0.0

    def begin(self, run_id: str) -> None:
        """Report on this run from now on."""
        self._run_id, self._report_at = run_id, time.monotonic() + _EVERY_S

    def note(self, sent_bytes: int, trouble: str) -> None:
        """Count one message of `sent_bytes`; 0: nothing was sent, because of `trouble`."""
        self._frames += bool(sent_bytes)
        self._bytes += sent_bytes
        self._trouble = trouble
        if time.monotonic() >= self._report_at:
            self._report_at = time.monotonic() + _EVERY_S
            self._report()

    def end(self, error: str) -> None:
        """Write the run's last report. error: why it could not be published, or ""."""
        self._report(ended=True, error=error)

    def _report(self, *, ended: bool = False, error: str = "") -> None:
        progress = ProgressReport(
            self._run_id, self._frames, self._bytes, self._trouble, ended, error
        )
        self._frames = self._bytes = 0
        send(self._pipe, progress)
