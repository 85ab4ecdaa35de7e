"""The kinds and states of a run."""

from enum import StrEnum
from typing import Final


class RunKind(StrEnum):
    """The kind of a run or of its source: a recording, or a live source. Stored."""

    FILE = "file"
    LIVE = "live"


class RunState(StrEnum):
    """The state of a run. Stored. A failed or cancelled run keeps the rows that it has."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED_STATES: Final = frozenset({RunState.DONE, RunState.FAILED, RunState.CANCELLED})
"""The states that a run does not leave again."""
CHECKPOINT_LOOKS: Final = "marks"
"""The key of the only part of a checkpoint that shows faces. A run can be resumed without it."""
