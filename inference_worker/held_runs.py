"""The runs that a worker holds: its heartbeat, their leases, and an even share over all workers."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from broker.bus import Bus
from broker.leases import Leases
from broker.open_runs import OpenRuns
from broker.presence import Presence
from broker.reports import MAX_REPORTED_RUNS, WorkerReport
from contracts.errors import BrokerError, DatabaseError, MoodlineError
from inference_worker.analyzer import Analyzer
from inference_worker.fair_share import largest_share, runs_to_release
from inference_worker.metrics import WorkerMetrics
from inference_worker.refusals import Refusals
from inference_worker.store import RunStore, TakenRun
from inference_worker.throughput import Throughput
from runtime.failpoints import failpoint

log = structlog.get_logger()

_HEARTBEAT_S: Final = 0.25
_SWEEP_S: Final = 2.0
"""Time between two looks for runs that have ended and still have keys in the broker."""
BATCHES_AHEAD: Final = 3
"""Batches of a run that are read and not committed: detected, waiting, classified."""
_SKIP_S: Final = 10.0
"""Pause before a run that this worker cannot analyse is tried again."""


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """The limits of a worker; contracts.settings describes each."""

    batch_frames: int
    lease_s: float
    max_attempts: int
    dead_letter_ttl_s: int


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """The worker's part of its heartbeats. id: the same after a restart, if the worker is named."""

    id: str
    host: str
    pid: int
    device: str
    model: str


@dataclass(slots=True)
class HeldRun:
    """A run that this worker analyses.

    next_seq: the first frame that is not committed. read_seq: the first that is not read.
    single_until: frames before it are analysed one at a time. read_at: monotonic time before which
    nothing is read, because missing frames were requested. is_read: its last message is read.
    attempting: an attempt at the head frame is counted and has not finished.
    """

    taken: TakenRun
    analyzer: Analyzer
    next_seq: int
    read_seq: int
    single_until: int
    read_at: float = 0.0
    is_read: bool = False
    ended: bool = False
    attempting: bool = False

    @property
    def run_id(self) -> str:
        return self.taken.run_id


class HeldRuns:
    """Takes, renews and releases the runs of one worker.

    Every method but `release_all` raises BrokerError and DatabaseError. make_analyzer raises
    ModelError if this worker does not have the detector or the model that the run requires.
    clock: in seconds, for runs that it cannot analyse. on_heartbeat: called with each heartbeat.
    before_release: called before a run is given up, to finish the work on it.
    """

    def __init__(  # noqa: PLR0913, PLR0917  (a worker's collaborators, passed once)
        self,
        identity: WorkerIdentity,
        bus: Bus,
        store: RunStore,
        make_analyzer: Callable[[TakenRun], Analyzer],
        limits: WorkerLimits,
        metrics: WorkerMetrics,
        clock: Callable[[], float] = time.monotonic,
        on_heartbeat: Callable[[], None] = lambda: None,
    ) -> None:
        self._identity = identity
        self.before_release: Callable[[], None] = lambda: None
        self._on_heartbeat = on_heartbeat
        self._bus = bus
        self._leases = Leases(bus)
        self._announced = OpenRuns(bus)
        self._presence = Presence(bus, WorkerReport)
        self._store = store
        self._make_analyzer = make_analyzer
        self._limits = limits
        self._metrics = metrics
        self.throughput = Throughput()
        self.runs: dict[str, HeldRun] = {}
        self._skipped_until: dict[str, float] = {}
        self.refusals = Refusals(clock)
        self._clock = clock
        self._interrupted: set[str] = set()
        self._next_heartbeat = self._next_rebalance = self._next_sweep = 0.0
        self._sweep_cursor = 0
        self._other_workers: list[WorkerReport] = []

    def holds(self, run: HeldRun) -> bool:
        """Return whether the run is still held; its lease may have run out."""
        return self.runs.get(run.run_id) is run

    def renew_leases(self) -> None:
        """Renew the leases and send a heartbeat, if they are due. Call it often.

        A lease that ran out is taken again, unless another worker was quicker: a worker that the
        machine is too busy for has not crashed.
        """
        if time.monotonic() < self._next_heartbeat:
            return
        for run_id in list(self.runs):
            if not self._leases.acquire(run_id, self._identity.id, lease_s=self._limits.lease_s):
                self.lose(run_id, "another worker has its lease")
        self._send_heartbeat()
        self._next_heartbeat = time.monotonic() + _HEARTBEAT_S

    def rebalance(self) -> None:
        """Take or release runs until this worker holds its even share. Call it between turns.

        Only workers with the same model share runs. It has a timer of its own: a busy worker
        sends all its heartbeats within turns, and must release runs all the same.
        """
        if time.monotonic() < self._next_rebalance:
            return
        self._next_rebalance = time.monotonic() + _HEARTBEAT_S
        self._sweep()
        before = set(self.runs)
        open_runs = self._announced.announced(self._store.open_runs())
        for run_id in list(self.runs):
            if run_id not in open_runs:
                log.info("run is gone", run=run_id)
                self.release(run_id)
        candidates = self._not_skipped(open_runs)
        others = [len(w.runs) for w in self._other_workers if w.model == self._identity.model]
        for run_id in candidates:
            if len(self.runs) >= largest_share(len(candidates), len(others) + 1):
                break
            if run_id not in self.runs:
                self._take(run_id)
        excess = runs_to_release(len(self.runs), others, len(candidates))
        for run_id in list(reversed(self.runs))[:excess]:
            self.release(run_id)
        if set(self.runs) != before:
            self._send_heartbeat()  # At once: the other workers compute their share from it.

    def release(self, run_id: str) -> None:
        """Give a run up, so that any worker can take it at once."""
        self.before_release()
        held = self.runs.pop(run_id, None)
        if held is None:
            return  # It has ended meanwhile.
        self._store.release(held.taken)
        self._leases.release(run_id, self._identity.id)

    def lose(self, run_id: str, reason: str) -> None:
        """Stop work on a run that another worker has taken."""
        log.warning("run lost", run=run_id, reason=reason)
        self._metrics.runs_lost.inc()
        held = self.runs.pop(run_id, None)
        if held is not None and held.attempting:
            self._interrupted.add(run_id)

    def close(self, run_id: str) -> None:
        """Remove an ended run, with everything that the broker holds of it."""
        self.runs.pop(run_id, None)
        self._bus.forget_run(run_id)
        self._leases.release(run_id, self._identity.id)

    def drop_all(self) -> None:
        """Forget all runs after a failure; they are taken again from their last commit."""
        self._interrupted |= {run_id for run_id, held in self.runs.items() if held.attempting}
        self.runs.clear()
        self._next_heartbeat = self._next_rebalance = 0.0

    def release_all(self) -> None:
        """Release all runs and end the heartbeat. Does not raise if a server is away."""
        try:
            for run_id in list(self.runs):
                self.release(run_id)
            self._presence.leave(self._identity.id)
        except (BrokerError, DatabaseError) as exc:
            log.warning("could not release the runs; their leases will run out", reason=exc.line())

    def _sweep(self) -> None:
        """Remove what the broker still holds of some runs that have ended."""
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + _SWEEP_S
        self._sweep_cursor, run_ids = self._announced.scan(self._sweep_cursor)
        for run_id in self._store.ended(run_ids):
            self._bus.forget_run(run_id)

    def _not_skipped(self, open_runs: Sequence[str]) -> list[str]:
        now = self._clock()
        self._skipped_until = {
            run_id: until
            for run_id, until in self._skipped_until.items()
            if until > now and run_id in open_runs
        }
        self.refusals.keep_only(open_runs)
        return [run_id for run_id in open_runs if run_id not in self._skipped_until]

    def _take(self, run_id: str) -> None:
        if not self._leases.acquire(run_id, self._identity.id, lease_s=self._limits.lease_s):
            return
        taken = self._store.take(run_id, forgive_attempt=run_id in self._interrupted)
        self._interrupted.discard(run_id)
        failpoint("handover")
        if taken is None:  # It has ended in the meantime.
            self._skip(run_id)
            return
        try:
            analyzer = self._make_analyzer(taken)
        except MoodlineError as exc:
            self._refuse(taken, exc)
            return
        self.refusals.forget(taken)
        log.info("run taken", run=run_id, source=taken.source, next_seq=taken.next_seq)
        single_until = taken.next_seq
        if taken.crashed or taken.attempts:
            single_until += BATCHES_AHEAD * self._limits.batch_frames
        self.runs[run_id] = HeldRun(taken, analyzer, taken.next_seq, taken.next_seq, single_until)

    def _refuse(self, taken: TakenRun, error: MoodlineError) -> None:
        """Leave the run to other workers, or end it if no worker can analyse it."""
        reason = error.line()
        log.error("cannot analyse run", run=taken.run_id, source=taken.source, reason=reason)
        if self.refusals.note(taken, error):
            # Else it would keep its place in the queue, and its frames in the broker, for good.
            again = f"`moodline jobs again {taken.run_id}` analyses it with the present one"
            self._store.give_up(taken, reason if taken.live else f"{reason}. {again}")
        else:
            self._store.release(taken)
        self._skip(taken.run_id)

    def _skip(self, run_id: str) -> None:
        self._leases.release(run_id, self._identity.id)
        self._skipped_until[run_id] = self._clock() + _SKIP_S

    def _send_heartbeat(self) -> None:
        # What another program put before the first uncommitted frame would wait for ever.
        self._bus.drop_committed({run_id: held.next_seq for run_id, held in self.runs.items()})
        lag = sum(self._bus.waiting_frames(list(self.runs)).values()) if self.runs else 0
        report = WorkerReport(
            id=self._identity.id,
            host=self._identity.host,
            pid=self._identity.pid,
            device=self._identity.device,
            model=self._identity.model,
            runs=tuple(self.runs)[:MAX_REPORTED_RUNS],
            fps=self.throughput.frames_per_second(),
            lag=lag,
            latency_p95_s=self.throughput.latency_p95_s(),
            latency_counts=self.throughput.latency_counts(),
            refusals=self.refusals.reasons(),
            lacks=self.refusals.lacks(),
        )
        living = self._presence.send_heartbeat(report, alive_for_s=self._limits.lease_s)
        self._other_workers = [worker for worker in living if worker.id != self._identity.id]
        self.refusals.note_workers(self._other_workers)
        self._on_heartbeat()
        self._metrics.runs.set(len(self.runs))
        self._metrics.lag.set(lag)
        self._metrics.note_refusals(self._bus.refusals.counts)
