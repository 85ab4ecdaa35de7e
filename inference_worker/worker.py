"""The worker loop: take runs, read their frames, analyse, commit, ack.

A run's rows are a function of its frames alone. Whatever dies here, the next holder finds the
same checkpoint beside the same rows and goes on from there.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from contracts.bus import Bus, Delivery
from contracts.errors import (
    BrokerError,
    DatabaseError,
    FenceLostError,
    FrameDecodeError,
    MoodlineError,
    StreamLostError,
)
from contracts.failpoints import failpoint
from contracts.frames import End, FrameMessage, decode
from contracts.results import FrameResult
from inference_worker.store import Batch, Rejected, RunStore, TakenRun

log = structlog.get_logger()

_BLOCK_MS: Final = 100
_HEARTBEAT_S: Final = 0.5
_RETRY_S: Final = 0.5


class Analyzer(Protocol):
    """Detection, tracking, classification and smoothing of one run's frames, in order."""

    def analyze(self, frames: Sequence[FrameMessage]) -> list[FrameResult]: ...

    def checkpoint(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """How a worker behaves; see contracts.settings for each."""

    batch_frames: int
    lease_s: float
    max_attempts: int
    dead_letter_ttl_s: int


@dataclass(slots=True)
class _HeldRun:
    """A run in this worker's hands. careful_until: frames before it are taken singly."""

    taken: TakenRun
    analyzer: Analyzer
    next_seq: int
    careful_until: int
    read_pending: bool = True
    ended: bool = False


@dataclass(slots=True)
class _Opened:
    """The messages of one read, opened: frames to analyse, what is set aside, and the end."""

    frames: list[FrameMessage] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    end: End | None = None


class Worker:
    """One worker: holds its share of the open runs, in one thread.

    make_analyzer raises ModelError when this host cannot do what the run is pinned to.
    """

    def __init__(
        self,
        worker_id: str,
        bus: Bus,
        store: RunStore,
        make_analyzer: Callable[[TakenRun], Analyzer],
        limits: WorkerLimits,
    ) -> None:
        self._id = worker_id
        self._bus = bus
        self._store = store
        self._make_analyzer = make_analyzer
        self._limits = limits
        self._held: dict[str, _HeldRun] = {}
        self._not_mine: set[str] = set()
        self._next_heartbeat = 0.0

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Work until `should_stop`, then let every run go. Outlives broker and database."""
        while not should_stop():
            try:
                self.step()
            except (BrokerError, DatabaseError) as exc:
                log.warning("cannot work", reason=exc.line(), retry_in_s=_RETRY_S)
                self._held.clear()
                time.sleep(_RETRY_S)
        for run_id in list(self._held):
            self._release(run_id)
        self._bus.leave(self._id)

    def step(self) -> None:
        """One turn: keep the share even, then work through one read of each held run."""
        if time.monotonic() >= self._next_heartbeat:
            self._share_runs()
            self._next_heartbeat = time.monotonic() + _HEARTBEAT_S
        for run_id, deliveries in self._read().items():
            held = self._held[run_id]
            try:
                self._work(held, deliveries)
            except FenceLostError as exc:
                log.warning("run lost", reason=str(exc))
                del self._held[run_id]
            if held.ended:
                self._forget(run_id)

    # -- which runs ---------------------------------------------------------------------

    def _share_runs(self) -> None:
        """Take or let go so that runs are even over the living workers."""
        workers = self._bus.heartbeat(self._id, alive_for_s=self._limits.lease_s)
        runs = self._bus.open_runs()
        for run_id in list(self._held):
            if run_id not in runs:
                log.info("run is gone", run=run_id)
                self._release(run_id)
            elif not self._bus.renew(run_id, self._id, lease_s=self._limits.lease_s):
                del self._held[run_id]
        target = -(-len(runs) // max(workers, 1))
        for run_id in runs:
            if len(self._held) >= target:
                break
            if run_id not in self._held and run_id not in self._not_mine:
                self._take(run_id)
        for run_id in list(self._held)[target:]:
            self._release(run_id)

    def _take(self, run_id: str) -> None:
        if not self._bus.take(run_id, self._id, lease_s=self._limits.lease_s):
            return
        taken = self._store.take(run_id)
        if taken is None:
            # Ended, or of another database that shares this broker.
            self._bus.release(run_id, self._id)
            self._not_mine.add(run_id)
            return
        try:
            analyzer = self._make_analyzer(taken)
        except MoodlineError as exc:
            log.error("cannot analyse run", run=run_id, reason=exc.line())
            self._store.release(taken)
            self._bus.release(run_id, self._id)
            self._not_mine.add(run_id)
            return
        careful_until = taken.next_seq
        if taken.crashed or taken.attempts:
            careful_until += self._limits.batch_frames
        self._held[run_id] = _HeldRun(taken, analyzer, taken.next_seq, careful_until)

    def _release(self, run_id: str) -> None:
        held = self._held.pop(run_id)
        self._store.release(held.taken)
        self._bus.release(run_id, self._id)

    def _forget(self, run_id: str) -> None:
        self._held.pop(run_id, None)
        self._bus.forget(run_id)
        self._bus.release(run_id, self._id)

    # -- one read -----------------------------------------------------------------------

    def _read(self) -> dict[str, list[Delivery]]:
        """What is next for each held run: first what a holder before had pending."""
        found: dict[str, list[Delivery]] = {}
        for run_id, held in self._held.items():
            if held.read_pending:
                found[run_id] = self._pending(run_id, held)
        fresh = [run_id for run_id, held in self._held.items() if not held.read_pending]
        if not fresh:
            if not self._held:
                time.sleep(_BLOCK_MS / 1000)
            return found
        block_ms = 1 if found else _BLOCK_MS
        try:
            found |= self._bus.read(fresh, self._limits.batch_frames, block_ms=block_ms)
        except StreamLostError:
            time.sleep(_BLOCK_MS / 1000)  # Its producer makes it again.
        return found

    def _pending(self, run_id: str, held: _HeldRun) -> list[Delivery]:
        try:
            deliveries = self._bus.pending(run_id, self._limits.batch_frames)
        except StreamLostError:
            deliveries = []
        held.read_pending = bool(deliveries)
        return deliveries

    def _work(self, held: _HeldRun, deliveries: list[Delivery]) -> None:
        """Analyse, commit, ack. What was committed before is only acked."""
        run_id = held.taken.run_id
        self._bus.ack(run_id, [d.seq for d in deliveries if d.seq < held.next_seq])
        waiting = [d for d in deliveries if d.seq >= held.next_seq]
        while waiting:
            careful = waiting[0].seq < held.careful_until
            turn, waiting = (waiting[:1], waiting[1:]) if careful else (waiting, [])
            expected = range(held.next_seq, held.next_seq + len(turn))
            if [d.seq for d in turn] != list(expected) or any(d.data is None for d in turn):
                self._bus.request_rewind(run_id, held.next_seq)
                return
            self._turn(held, turn, careful=careful)
            if not self._bus.renew(run_id, self._id, lease_s=self._limits.lease_s):
                raise FenceLostError(f"the lease of run {run_id} ran out")

    def _turn(self, held: _HeldRun, deliveries: list[Delivery], *, careful: bool) -> None:
        opened = self._open(held, deliveries, careful=careful)
        failpoint("analysing")
        results = held.analyzer.analyze(opened.frames) if opened.frames else []
        if results or opened.rejected:
            last = opened.frames[-1] if opened.frames else None
            cursors = [frame.cursor for frame in opened.frames if frame.cursor]
            failpoint("before-commit")
            self._store.commit(
                held.taken,
                Batch(
                    next_seq=opened.seqs[-1] + 1,
                    results=results,
                    rejected=opened.rejected,
                    counters=last.counters if last else None,
                    source_cursor=cursors[-1] if cursors else "",
                    checkpoint=held.analyzer.checkpoint(),
                ),
            )
            held.next_seq = opened.seqs[-1] + 1
        if opened.end is not None:
            self._store.finish(held.taken, opened.end)
            held.ended = True
            return
        failpoint("before-ack")
        # Ack after commit: a crash in between delivers again, and `next_seq` skips it.
        self._bus.ack(held.taken.run_id, opened.seqs)

    def _open(self, held: _HeldRun, deliveries: list[Delivery], *, careful: bool) -> _Opened:
        """Decode the messages; set aside those that no try could read."""
        opened = _Opened()
        tries = self._store.count_attempt(held.taken) if careful else 0
        for delivery in deliveries:
            data = delivery.data or b""
            try:
                message = decode(data)
            except FrameDecodeError as exc:
                self._set_aside(held, opened, delivery, None, exc.line())
                continue
            if isinstance(message, End):
                opened.end = message
            elif tries > self._limits.max_attempts:
                reason = f"the worker crashed {tries - 1} times on this frame"
                self._set_aside(held, opened, delivery, message.frame_index, reason)
            else:
                opened.seqs.append(delivery.seq)
                opened.frames.append(message)
        return opened

    def _set_aside(
        self,
        held: _HeldRun,
        opened: _Opened,
        delivery: Delivery,
        frame_index: int | None,
        reason: str,
    ) -> None:
        run_id = held.taken.run_id
        log.error("frame set aside", run=run_id, seq=delivery.seq, reason=reason)
        self._bus.dead_letter(
            run_id, delivery.seq, delivery.data or b"", ttl_s=self._limits.dead_letter_ttl_s
        )
        opened.seqs.append(delivery.seq)
        opened.rejected.append(Rejected(delivery.seq, frame_index, reason))
