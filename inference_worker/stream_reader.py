"""StreamReader: the next deliveries of each held run."""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from broker.bus import Bus, Delivery
from contracts.errors import StreamLostError
from inference_worker.held_runs import HeldRun

_BLOCK_MS: Final = 100
_GATHER_MS: Final = 20
"""Wait of a turn's first live frame for the frames of other cameras."""


class StreamReader:
    """Reads the streams of the held runs. Raises BrokerError.

    A run's pending entries come first: a previous worker read them and did not ack them.
    """

    def __init__(self, bus: Bus, batch_frames: int) -> None:
        self._bus = bus
        self._batch_frames = batch_frames

    def read(self, runs: Mapping[str, HeldRun]) -> dict[str, list[Delivery]]:
        """Return deliveries by run, at most a batch for each; wait a moment if there are none."""
        deliveries: dict[str, list[Delivery]] = {}
        for run_id, held in runs.items():
            if held.pending:
                deliveries[run_id] = self._read_pending(run_id, held)
        fresh = [run_id for run_id, held in runs.items() if not held.pending]
        if not fresh:
            if not runs:
                time.sleep(_BLOCK_MS / 1000)
            return deliveries
        try:
            deliveries |= self._read_new(fresh, 1 if deliveries else _BLOCK_MS)
            # Frames of several cameras are classified in one batch if they arrive together.
            missing = [run_id for run_id in fresh if runs[run_id].taken.live]
            missing = [run_id for run_id in missing if run_id not in deliveries]
            if missing and deliveries:
                deliveries |= self._read_new(missing, _GATHER_MS)
        except StreamLostError:
            time.sleep(_BLOCK_MS / 1000)  # The producer creates the stream again.
        return deliveries

    def _read_pending(self, run_id: str, held: HeldRun) -> list[Delivery]:
        try:
            deliveries = self._bus.pending(run_id, self._batch_frames)
        except StreamLostError:
            deliveries = []
        held.pending = bool(deliveries)
        return deliveries

    def _read_new(self, run_ids: Sequence[str], block_ms: int) -> dict[str, list[Delivery]]:
        return self._bus.read(run_ids, self._batch_frames, block_ms=block_ms)
