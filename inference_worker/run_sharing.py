"""Which runs a worker holds: heartbeat, leases, and an even share."""

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import structlog

from broker.bus import Bus
from broker.presence import LATENCY_BOUNDS_S, Presence, WorkerReport
from contracts.errors import BrokerError, DatabaseError, MoodlineError
from contracts.frame_results import FrameResult
from contracts.frames import FrameMessage
from inference_worker.faces.analysis import Sighting
from inference_worker.fair_share import most_to_hold, to_let_go
from inference_worker.metrics import WorkerMetrics
from inference_worker.store import RunStore, TakenRun
from runtime.failpoints import failpoint

log = structlog.get_logger()

_HEARTBEAT_S: Final = 0.25
_NOT_MINE_S: Final = 10.0


class Analyzer(Protocol):
    """Detection, tracking and smoothing of one run's frames, in order; see RunAnalyzer."""

    def find(self, frames: Sequence[FrameMessage]) -> Sighting: ...

    def read(
        self, sighting: Sighting, probabilities: npt.NDArray[np.float64]
    ) -> list[FrameResult]: ...

    def checkpoint(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """How a worker behaves; see contracts.settings for each."""

    batch_frames: int
    lease_s: float
    max_attempts: int
    dead_letter_ttl_s: int


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """Which worker this is, for the others and for who looks on. id: lasts over restarts."""

    id: str
    host: str
    pid: int
    device: str
    model: str


@dataclass(slots=True)
class HeldRun:
    """A run in this worker's hands.

    careful_until: frames before it are taken singly. trying: its head frame's attempt is counted
    and not over.
    """

    taken: TakenRun
    analyzer: Analyzer
    next_seq: int
    careful_until: int
    read_pending: bool = True
    ended: bool = False
    trying: bool = False


class Pace:
    """Frames a second, and how late live ones are, over the last seconds; for who looks on."""

    _SPAN_S: Final = 5.0

    def __init__(self) -> None:
        self._notes: deque[tuple[float, int]] = deque()
        self._late: deque[tuple[float, float]] = deque(maxlen=4096)
        self._late_counts = [0] * (len(LATENCY_BOUNDS_S) + 1)

    def note(self, frames: int) -> None:
        """So many were committed now."""
        self._notes.append((time.monotonic(), frames))

    def note_latency(self, seconds: float) -> None:
        """A live frame was committed so long after it was captured."""
        self._late.append((time.monotonic(), seconds))
        self._late_counts[bisect_left(LATENCY_BOUNDS_S, seconds)] += 1

    def latency_p95_s(self) -> float | None:
        """Of the live frames of the span; None without any."""
        since = time.monotonic() - self._SPAN_S
        while self._late and self._late[0][0] < since:
            self._late.popleft()
        seconds = sorted(late for _, late in self._late)
        return round(seconds[(len(seconds) * 95 - 1) // 100], 3) if seconds else None

    def latency_counts(self) -> tuple[int, ...]:
        """Of all live frames so far, by LATENCY_BOUNDS_S."""
        return tuple(self._late_counts)

    def per_second(self) -> float:
        """The mean over the span."""
        since = time.monotonic() - self._SPAN_S
        while self._notes and self._notes[0][0] < since:
            self._notes.popleft()
        return round(sum(frames for _, frames in self._notes) / self._SPAN_S, 1)


class Holdings:
    """The runs in one worker's hands. Its methods raise BrokerError and DatabaseError.

    make_analyzer raises ModelError when this host cannot do what a run is pinned to.
    """

    def __init__(  # noqa: PLR0913, PLR0917  (its whole surroundings, once)
        self,
        identity: WorkerIdentity,
        bus: Bus,
        store: RunStore,
        make_analyzer: Callable[[TakenRun], Analyzer],
        limits: WorkerLimits,
        metrics: WorkerMetrics,
    ) -> None:
        self._identity = identity
        self._id = identity.id
        self._bus = bus
        self._presence = Presence(bus, WorkerReport)
        self._store = store
        self._make_analyzer = make_analyzer
        self._limits = limits
        self._metrics = metrics
        self.pace = Pace()
        self.runs: dict[str, HeldRun] = {}
        self._not_mine: dict[str, float] = {}
        self._unjudged: set[str] = set()
        self._next_heartbeat = self._next_share = 0.0
        self._others: list[WorkerReport] = []

    def keep_alive(self) -> None:
        """Heartbeat and leases, often, however long the turns are."""
        if time.monotonic() < self._next_heartbeat:
            return
        for run_id in list(self.runs):
            if not self._bus.renew(run_id, self._id, lease_s=self._limits.lease_s):
                log.warning("run lost", run=run_id, reason="its lease ran out")
                self._metrics.runs_lost.inc()
                del self.runs[run_id]
        self._report()
        self._next_heartbeat = time.monotonic() + _HEARTBEAT_S

    def _report(self) -> None:
        lag = sum(self._bus.waiting(list(self.runs)).values()) if self.runs else 0
        mine = WorkerReport(
            id=self._id,
            host=self._identity.host,
            pid=self._identity.pid,
            device=self._identity.device,
            model=self._identity.model,
            runs=tuple(self.runs),
            fps=self.pace.per_second(),
            lag=lag,
            latency_p95_s=self.pace.latency_p95_s(),
            latency_counts=self.pace.latency_counts(),
        )
        living = self._presence.report(mine, alive_for_s=self._limits.lease_s)
        self._others = [one for one in living if one.id != self._id]
        self._metrics.runs.set(len(self.runs))
        self._metrics.lag.set(lag)

    def share(self) -> None:
        """Take or let go so that runs are even over the workers with this one's model.

        Between two turns, as often as heartbeats, and on a clock of its own: a worker that is so
        busy that all its heartbeats fall into turns has to share all the same.
        """
        if time.monotonic() < self._next_share:
            return
        self._next_share = time.monotonic() + _HEARTBEAT_S
        before = set(self.runs)
        runs = self._bus.open_runs()
        for run_id in list(self.runs):
            if run_id not in runs:
                log.info("run is gone", run=run_id)
                self.release(run_id)
        now = time.monotonic()
        self._not_mine = {
            run_id: until
            for run_id, until in self._not_mine.items()
            if until > now and run_id in runs
        }
        mine = [run_id for run_id in runs if run_id not in self._not_mine]
        kin = [len(one.runs) for one in self._others if one.model == self._identity.model]
        for run_id in mine:
            if len(self.runs) >= most_to_hold(len(mine), len(kin) + 1):
                break
            if run_id not in self.runs:
                self._take(run_id)
        for run_id in list(reversed(self.runs))[: to_let_go(len(self.runs), kin, len(mine))]:
            self.release(run_id)
        if set(self.runs) != before:
            self._report()  # At once: the others decide by it.

    def _take(self, run_id: str) -> None:
        if not self._bus.take(run_id, self._id, lease_s=self._limits.lease_s):
            return
        taken = self._store.take(run_id, forgive_attempt=run_id in self._unjudged)
        self._unjudged.discard(run_id)
        failpoint("handover")
        if taken is None:
            # Ended, or of another database that shares this broker.
            if self._store.has_ended(run_id):
                self._bus.forget(run_id)
            self._give_up(run_id)
            return
        try:
            analyzer = self._make_analyzer(taken)
        except MoodlineError as exc:
            log.error("cannot analyse run", run=run_id, source=taken.source, reason=exc.line())
            self._store.release(taken)
            self._give_up(run_id)
            return
        log.info("run taken", run=run_id, source=taken.source, next_seq=taken.next_seq)
        careful_until = taken.next_seq
        if taken.crashed or taken.attempts:
            careful_until += self._limits.batch_frames
        self.runs[run_id] = HeldRun(taken, analyzer, taken.next_seq, careful_until)

    def _give_up(self, run_id: str) -> None:
        self._bus.release(run_id, self._id)
        self._not_mine[run_id] = time.monotonic() + _NOT_MINE_S

    def release(self, run_id: str) -> None:
        held = self.runs.pop(run_id)
        self._store.release(held.taken)
        self._bus.release(run_id, self._id)

    def forget(self, run_id: str) -> None:
        self.runs.pop(run_id, None)
        self._bus.forget(run_id)
        self._bus.release(run_id, self._id)

    def drop(self) -> None:
        """Forget what is in hand: where it stands is known once the servers are back."""
        self._unjudged |= {run_id for run_id, held in self.runs.items() if held.trying}
        self.runs.clear()
        self._next_heartbeat = self._next_share = 0.0

    def leave(self) -> None:
        """Let every run go, for good."""
        try:
            for run_id in list(self.runs):
                self.release(run_id)
            self._presence.leave(self._id)
        except (BrokerError, DatabaseError) as exc:
            # Its leases run out by themselves.
            log.warning("could not let the runs go", reason=exc.line())
