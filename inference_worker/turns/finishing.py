"""TurnFinisher: classifies, smooths and commits what was detected, beside the next detection.

One thread takes the turns in order, and at most two wait or are worked on. After a failure it takes
none until the worker has forgotten its runs: a later batch is never committed without an earlier
one.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

from inference_worker.faces.detected_faces import DetectedFaces
from inference_worker.held_runs import BATCHES_AHEAD
from inference_worker.turns.run_turn import RunTurn

_TICK_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class DetectedTurn:
    """The turns of several runs that are classified in one batch. detect_s: how long they took."""

    turns: Sequence[RunTurn]
    faces: Sequence[DetectedFaces]
    detect_s: float


class TurnFinisher:
    """Finishes turns in a second thread. finish: called there, for one after the other.

    on_tick: called while it is waited for, a few times a second. Every method but `abandon` raises
    what `finish` raised.
    """

    def __init__(self, finish: Callable[[DetectedTurn], None], on_tick: Callable[[], None]) -> None:
        self._finish = finish
        self._on_tick = on_tick
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="finish")
        self._unfinished: deque[tuple[DetectedTurn, Future[None]]] = deque()
        self._failed = False

    @property
    def is_idle(self) -> bool:
        """Whether all turns are finished and taken."""
        return not self._unfinished

    def submit(self, detected: DetectedTurn) -> list[DetectedTurn]:
        """Hand a turn over, when there is room for it; return those that are finished."""
        finished = self._take_until(BATCHES_AHEAD - 2)
        self._unfinished.append(
            (detected, self._thread.submit(self._finish_unless_failed, detected))
        )
        return finished

    def finished(self) -> list[DetectedTurn]:
        """Return the turns that are finished by now."""
        return self._take_until(len(self._unfinished))

    def finish_all(self) -> list[DetectedTurn]:
        """Wait for all turns; return them."""
        return self._take_until(0)

    def abandon(self) -> None:
        """Wait for the turn that is worked on, and forget all turns."""
        self._failed = True
        wait([future for _, future in self._unfinished])
        self._unfinished.clear()
        self._failed = False

    def _take_until(self, left: int) -> list[DetectedTurn]:
        """Wait until at most `left` turns are unfinished; return all that are finished."""
        taken = []
        while self._unfinished:
            detected, future = self._unfinished[0]
            while len(self._unfinished) > left and not future.done():
                wait([future], timeout=_TICK_S)
                self._on_tick()
            if not future.done():
                break
            future.result()
            self._unfinished.popleft()
            taken.append(detected)
        return taken

    def _finish_unless_failed(self, detected: DetectedTurn) -> None:
        if self._failed:
            return
        try:
            self._finish(detected)
        except BaseException:  # Later turns must not be committed. Its future raises it again.
            self._failed = True
            raise
