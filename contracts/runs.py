"""What a run is: its kind and its state."""

from enum import StrEnum
from typing import Final


class RunKind(StrEnum):
    """Where the frames of a run, or of a source, come from. The values are stored."""

    FILE = "file"
    LIVE = "live"


class RunState(StrEnum):
    """Where a run stands; `failed` runs keep the rows they have."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED_STATES: Final = frozenset({RunState.DONE, RunState.FAILED, RunState.CANCELLED})
