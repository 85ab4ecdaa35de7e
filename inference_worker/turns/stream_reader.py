"""StreamReader: the next messages of each held run."""

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from broker.bus import Bus
from broker.entries.stream_entries import Delivery
from inference_worker.held_runs import HeldRun

BLOCK_MS: Final = 100
_GATHER_MS: Final = 20
"""Wait of a turn's first live frame for the frames of other cameras."""
_FIRST_FRAMES: Final = 4
"""Frames of a run that are read before their size is known."""
_RUN_BYTES: Final = 12 * 2**20
_TURN_BYTES: Final = 64 * 2**20
"""Most bytes that a turn reads of one run, and of all: a worker holds them twice for a moment."""


class StreamReader:
    """Reads the streams of the held runs, each from its first frame that is not read yet.

    Raises BrokerError.
    """

    def __init__(self, bus: Bus, batch_frames: int) -> None:
        self._bus = bus
        self._batch_frames = batch_frames
        self._largest: dict[str, int] = {}

    def read(
        self, runs: Mapping[str, HeldRun], *, block_ms: int = BLOCK_MS
    ) -> dict[str, list[Delivery]]:
        """Return deliveries by run, at most a batch for each; wait a moment if there are none.

        A batch of large frames has fewer of them. block_ms: the longest wait.
        """
        self._largest = {run: size for run, size in self._largest.items() if run in runs}
        now = time.monotonic()
        readable = [held for held in runs.values() if held.read_at <= now and not held.is_read]
        if not readable:
            time.sleep(block_ms / 1000)
            return {}
        deliveries = self._read(readable, block_ms)
        # Frames of several cameras are classified in one batch if they arrive together.
        missing = [held for held in readable if held.taken.live and held.run_id not in deliveries]
        if missing and deliveries:
            deliveries |= self._read(missing, _GATHER_MS)
        return deliveries

    def _read(self, runs: Sequence[HeldRun], block_ms: int) -> dict[str, list[Delivery]]:
        next_seqs = {held.run_id: held.read_seq for held in runs}
        deliveries = self._bus.read(next_seqs, self._most_frames(next_seqs), block_ms=block_ms)
        for run_id, found in deliveries.items():
            known = self._largest.get(run_id, 1)
            self._largest[run_id] = max(known, *(len(one.data) for one in found))
        return deliveries

    def _most_frames(self, run_ids: Collection[str]) -> int:
        """Return how many frames of each run are read."""
        sizes = [self._largest.get(run_id, _RUN_BYTES // _FIRST_FRAMES) for run_id in run_ids]
        fitting = min(_RUN_BYTES // max(sizes), _TURN_BYTES // sum(sizes))
        return max(1, min(self._batch_frames, fitting))
