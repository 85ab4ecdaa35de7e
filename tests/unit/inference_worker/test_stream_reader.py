"""StreamReader: a turn reads a batch of each run, and fewer frames if they are large."""

from types import SimpleNamespace
from typing import Any, cast

from broker.bus import Bus
from broker.entries.stream_entries import Delivery
from inference_worker.held_runs import HeldRun
from inference_worker.turns.stream_reader import StreamReader

MIB = 2**20


class SizedBus:
    """A broker whose streams are endless. sizes: bytes of each frame, by run."""

    def __init__(self, sizes: dict[str, int]) -> None:
        self.sizes = sizes
        self.asked: list[int] = []

    def read(
        self, next_seqs: dict[str, int], count: int, *, block_ms: int
    ) -> dict[str, list[Delivery]]:
        self.asked.append(count)
        return {
            run: [Delivery(seq + n, bytes(self.sizes[run]), b"") for n in range(count)]
            for run, seq in next_seqs.items()
        }


def counts(*sizes: int, turns: int = 3) -> list[int]:
    """Return the frames of each run that each turn reads of runs with these frames."""
    names = [f"run{number}" for number in range(len(sizes))]
    bus = SizedBus(dict(zip(names, sizes, strict=True)))
    reader = StreamReader(cast("Bus", bus), 16)
    taken = SimpleNamespace(live=False)
    runs: Any = {
        name: SimpleNamespace(run_id=name, taken=taken, read_seq=1, read_at=0.0, is_read=False)
        for name in names
    }
    for _ in range(turns):
        reader.read(cast("dict[str, HeldRun]", runs))
    return bus.asked


def test_a_batch_is_full_once_the_size_of_its_frames_is_known() -> None:
    assert counts(640 * 360) == [4, 16, 16]


def test_large_frames_come_in_smaller_batches() -> None:
    assert counts(1280 * 1280) == [4, 7, 7]
    assert counts(64 * MIB) == [4, 1, 1]


def test_the_frames_of_all_runs_have_a_limit_together() -> None:
    assert counts(*[640 * 360] * 8) == [2, 16, 16]
    assert counts(*[2 * MIB] * 8) == [2, 4, 4]
