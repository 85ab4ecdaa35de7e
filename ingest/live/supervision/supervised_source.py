"""One source under supervision: its record, its process and its latest status."""

import time
from dataclasses import dataclass, field, replace
from typing import Final

from contracts.live_sources import LiveSource, LiveState
from contracts.times import utc_now
from ingest.live.supervision.status_reports import SourceStatus
from runtime.backoff import LONGEST_PAUSE_S, REFUSED_PAUSE_S, Backoff
from runtime.decoding.memory_limit import OUT_OF_MEMORY_STATUS, out_of_memory
from runtime.processes.supervisor import RestartPolicy, RestartTimer

_RESTARTS: Final = RestartPolicy()


@dataclass(slots=True)
class SourceProcess:
    """The process of one source.

    name: of the source when it started: reports and orders have it.
    revision: of the record that it reads. reported_at: when it last reported its status.
    stopping_at: when it was asked to end. ended: whether it reported the end of its file.
    """

    name: str
    revision: int
    reported_at: float
    stopping_at: float | None = None
    ended: bool = False


@dataclass(slots=True)
class SupervisedSource:
    """One source of this host. leaving: whether it is no longer this supervisor's."""

    source: LiveSource
    status: SourceStatus
    process: SourceProcess | None = None
    leaving: bool = False
    timer: RestartTimer = field(default_factory=lambda: RestartTimer(_RESTARTS))
    memory_pauses: Backoff = field(
        default_factory=lambda: Backoff(first_s=LONGEST_PAUSE_S, longest_s=REFUSED_PAUSE_S)
    )

    @classmethod
    def connecting(cls, source: LiveSource) -> "SupervisedSource":
        """Return a source that has no process yet."""
        return cls(source, SourceStatus(source.name, LiveState.CONNECTING, "", utc_now()))

    def update(self, source: LiveSource) -> bool:
        """Take over the current record; return whether its owner changed it."""
        self.leaving = False
        if self.source.revision == source.revision:
            return False
        self.source = source
        self.status = replace(self.status, source=source.name)
        self.timer.reset()
        self.memory_pauses.reset()
        return True

    def note_state(self, state: LiveState, reason: str) -> None:
        """Set a state that the supervisor determined; `since` changes only with the state."""
        since = self.status.since if self.status.state is state else utc_now()
        self.status = SourceStatus(self.source.name, state, reason, since)

    def note_death(self, status: int) -> None:
        """Note that its process ended by itself, with this exit status or killed by a signal."""
        if status == OUT_OF_MEMORY_STATUS:
            pause_s = self.timer.note_end(least_pause_s=self.memory_pauses.next_pause_s())
            how = f"{out_of_memory()}: its process restarts in {pause_s:.0f} s"
        else:
            self.timer.note_end()
            ended = (
                f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
            )
            how = f"its process {ended} and is restarted"
        self.note_state(LiveState.BACKING_OFF, how)

    def is_silent(self, silent_s: float) -> bool:
        """Return whether its process has reported nothing for `silent_s`."""
        return self.process is not None and (time.monotonic() > self.process.reported_at + silent_s)
