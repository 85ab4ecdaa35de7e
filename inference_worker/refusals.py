"""Refusals: the open runs that this worker cannot analyse, and which of them nobody can."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from broker.reports import LONGEST_REASON, MAX_REFUSALS, WorkerReport
from contracts.errors import MoodlineError
from inference_worker.store import TakenRun

GRACE_S: Final = 30.0
"""How long a run waits for a worker that can analyse it, such as one that is being restarted."""


@dataclass(frozen=True, slots=True)
class Need:
    """The model and the detector to which a run is pinned."""

    model: str
    detector: str

    def __str__(self) -> str:
        return f"{self.model} {self.detector}"


class Refusals:
    """The runs that this worker refuses, and since when no living worker can analyse them.

    clock: in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reasons: dict[str, str] = {}
        self._hopeless_since: dict[Need, float] = {}

    def note(self, run: TakenRun, error: MoodlineError) -> bool:
        """Note why the run cannot be analysed. Return whether nobody can, so that it must end."""
        self._reasons[run.run_id] = f"{run.source}: {error.line()}"[:LONGEST_REASON]
        now_s = self._clock()
        return now_s - self._hopeless_since.setdefault(_need(run), now_s) >= GRACE_S

    def forget(self, run: TakenRun) -> None:
        """Note that this worker can analyse the run."""
        self._reasons.pop(run.run_id, None)
        self._hopeless_since.pop(_need(run), None)

    def keep_only(self, open_runs: Collection[str]) -> None:
        """Forget the reasons of runs that have ended; the others stand until the next try."""
        self._reasons = {run: why for run, why in self._reasons.items() if run in open_runs}

    def note_workers(self, others: Sequence[WorkerReport]) -> None:
        """Note the other living workers. A run that one of them can analyse is left to it."""
        for need in self._hopeless_since:
            if any(one.model == need.model and str(need) not in one.lacks for one in others):
                self._hopeless_since[need] = self._clock()

    def reasons(self) -> tuple[str, ...]:
        """Return the reasons for a heartbeat: each once, a few of them."""
        return tuple(sorted(set(self._reasons.values())))[:MAX_REFUSALS]

    def lacks(self) -> tuple[str, ...]:
        """Return the models and detectors that this worker does not have, for a heartbeat."""
        return tuple(sorted(map(str, self._hopeless_since)))[:MAX_REFUSALS]


def _need(run: TakenRun) -> Need:
    return Need(run.spec.model_version, run.spec.detector)
