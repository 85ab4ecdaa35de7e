"""StreamReader: the next messages of each held run."""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from broker.bus import Bus, Delivery
from inference_worker.held_runs import HeldRun

_BLOCK_MS: Final = 100
_GATHER_MS: Final = 20
"""Wait of a turn's first live frame for the frames of other cameras."""


class StreamReader:
    """Reads the streams of the held runs, each from its first frame that is not committed.

    Raises BrokerError.
    """

    def __init__(self, bus: Bus, batch_frames: int) -> None:
        self._bus = bus
        self._batch_frames = batch_frames

    def read(self, runs: Mapping[str, HeldRun]) -> dict[str, list[Delivery]]:
        """Return deliveries by run, at most a batch for each; wait a moment if there are none."""
        now = time.monotonic()
        readable = [held for held in runs.values() if held.read_at <= now]
        if not readable:
            time.sleep(_BLOCK_MS / 1000)
            return {}
        deliveries = self._read(readable, _BLOCK_MS)
        # Frames of several cameras are classified in one batch if they arrive together.
        missing = [held for held in readable if held.taken.live and held.run_id not in deliveries]
        if missing and deliveries:
            deliveries |= self._read(missing, _GATHER_MS)
        return deliveries

    def _read(self, runs: Sequence[HeldRun], block_ms: int) -> dict[str, list[Delivery]]:
        next_seqs = {held.run_id: held.next_seq for held in runs}
        return self._bus.read(next_seqs, self._batch_frames, block_ms=block_ms)
