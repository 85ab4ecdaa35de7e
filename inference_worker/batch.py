"""Batch: what one transaction adds to a run."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.frame_results import FrameResult
from contracts.frames import Counters


@dataclass(frozen=True, slots=True)
class CounterSample:
    """The capture time of a frame, and the run's cumulative counters at that frame."""

    captured_at_us: int
    counters: Counters


@dataclass(frozen=True, slots=True)
class DeadLetteredFrame:
    """A message that is set aside instead of analysed. frame_index: None if it is unreadable."""

    seq: int
    frame_index: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """The records of consecutive frames of a run; committed as a whole or not at all.

    next_seq: the first frame after the batch. samples: one for each readable frame, in order.
    source_cursor: of the last key frame in the batch, or "". checkpoint: the analyzer's state
    after the last frame. broker_lost: live frames that the broker lost before or inside the batch.
    """

    next_seq: int
    results: Sequence[FrameResult]
    dead_letters: Sequence[DeadLetteredFrame]
    samples: Sequence[CounterSample]
    source_cursor: str
    checkpoint: bytes
    broker_lost: int = 0
