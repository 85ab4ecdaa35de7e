"""The worker loop: take runs, read their frames, analyse, commit, ack.

A run's rows are a function of its frames alone. Whatever dies here, the next holder finds the
same checkpoint beside the same rows and goes on from there.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from contracts.bus import Bus, Delivery
from contracts.errors import (
    BrokerError,
    DatabaseError,
    FenceLostError,
    FrameDecodeError,
    StreamLostError,
)
from contracts.failpoints import failpoint
from contracts.frames import End, FrameMessage, decode
from inference_worker.holdings import HeldRun, Holdings, WorkerLimits
from inference_worker.metrics import WorkerMetrics
from inference_worker.store import Batch, Rejected, RunStore

log = structlog.get_logger()

_BLOCK_MS: Final = 100
_RETRY_S: Final = 0.5
_LONGEST_RETRY_S: Final = 8.0


@dataclass(slots=True)
class _Opened:
    """The messages of one read, opened: frames to analyse, what is set aside, and the end."""

    frames: list[FrameMessage] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    end: End | None = None


class Worker:
    """One worker: analyses its share of the open runs, in one thread.

    on_turn is called after each turn, with what kept it from working, or "".
    """

    def __init__(  # noqa: PLR0913, PLR0917  (its whole surroundings, once)
        self,
        holdings: Holdings,
        bus: Bus,
        store: RunStore,
        limits: WorkerLimits,
        metrics: WorkerMetrics,
        on_turn: Callable[[str], None] = lambda _trouble: None,
    ) -> None:
        self._holdings = holdings
        self._bus = bus
        self._store = store
        self._limits = limits
        self._metrics = metrics
        self._on_turn = on_turn

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Work until `should_stop`, then let every run go. Outlives broker and database."""
        retry_s = _RETRY_S
        while not should_stop():
            try:
                self.step()
            except (BrokerError, DatabaseError) as exc:
                self._note_trouble(exc, retry_s)
                time.sleep(retry_s)
                retry_s = min(retry_s * 2, _LONGEST_RETRY_S)
            else:
                retry_s = _RETRY_S
                self._on_turn("")
        self._holdings.leave()

    def step(self) -> None:
        """One turn: keep the share even, then work through one read of each held run."""
        self._holdings.keep_alive()
        self._holdings.share()
        for run_id, deliveries in self._read().items():
            held = self._holdings.runs.get(run_id)
            if held is None:  # Its lease ran out while another run was worked on.
                continue
            with structlog.contextvars.bound_contextvars(run=run_id, source=held.taken.source):
                try:
                    self._work(held, deliveries)
                except FenceLostError as exc:
                    log.warning("run lost", reason=str(exc))
                    self._metrics.runs_lost.inc()
                    self._holdings.runs.pop(run_id, None)
                if held.ended:
                    log.info("run ended")
                    self._holdings.forget(run_id)

    def _note_trouble(self, trouble: BrokerError | DatabaseError, retry_s: float) -> None:
        log.warning("cannot work", reason=trouble.line(), retry_in_s=retry_s)
        server = "broker" if isinstance(trouble, BrokerError) else "database"
        self._metrics.troubles.labels(server).inc()
        self._holdings.drop()
        self._on_turn(trouble.line())

    # -- one read -----------------------------------------------------------------------

    def _read(self) -> dict[str, list[Delivery]]:
        """What is next for each held run: first what a holder before had pending."""
        found: dict[str, list[Delivery]] = {}
        for run_id, held in self._holdings.runs.items():
            if held.read_pending:
                found[run_id] = self._pending(run_id, held)
        fresh = [run_id for run_id, held in self._holdings.runs.items() if not held.read_pending]
        if not fresh:
            if not self._holdings.runs:
                time.sleep(_BLOCK_MS / 1000)
            return found
        block_ms = 1 if found else _BLOCK_MS
        try:
            found |= self._bus.read(fresh, self._limits.batch_frames, block_ms=block_ms)
        except StreamLostError:
            time.sleep(_BLOCK_MS / 1000)  # Its producer makes it again.
        return found

    def _pending(self, run_id: str, held: HeldRun) -> list[Delivery]:
        try:
            deliveries = self._bus.pending(run_id, self._limits.batch_frames)
        except StreamLostError:
            deliveries = []
        held.read_pending = bool(deliveries)
        return deliveries

    def _work(self, held: HeldRun, deliveries: list[Delivery]) -> None:
        """Analyse, commit, ack. What was committed before is only acked."""
        run_id = held.taken.run_id
        self._bus.ack(run_id, [d.seq for d in deliveries if d.seq < held.next_seq])
        waiting = [d for d in deliveries if d.seq >= held.next_seq]
        while waiting:
            careful = waiting[0].seq < held.careful_until
            turn, waiting = (waiting[:1], waiting[1:]) if careful else (waiting, [])
            expected = range(held.next_seq, held.next_seq + len(turn))
            if [d.seq for d in turn] != list(expected) or any(d.data is None for d in turn):
                log.warning("frames are missing", next_seq=held.next_seq)
                self._metrics.rewinds.inc()
                self._bus.request_rewind(run_id, held.next_seq)
                return
            self._turn(held, turn, careful=careful)
            self._holdings.keep_alive()
            self._on_turn("")
            if run_id not in self._holdings.runs:
                return

    def _turn(self, held: HeldRun, deliveries: list[Delivery], *, careful: bool) -> None:
        opened = self._open(held, deliveries, careful=careful)
        failpoint("analysing")
        with self._metrics.analyze_seconds.time():
            results = held.analyzer.analyze(opened.frames) if opened.frames else []
        if results or opened.rejected:
            last = opened.frames[-1] if opened.frames else None
            cursors = [frame.cursor for frame in opened.frames if frame.cursor]
            batch = Batch(
                next_seq=opened.seqs[-1] + 1,
                results=results,
                rejected=opened.rejected,
                counters=last.counters if last else None,
                source_cursor=cursors[-1] if cursors else "",
                checkpoint=held.analyzer.checkpoint(),
            )
            failpoint("before-commit")
            with self._metrics.commit_seconds.time():
                self._store.commit(held.taken, batch)
            self._note_committed(held, batch)
        if opened.end is not None:
            self._store.finish(held.taken, opened.end)
            held.ended = True
            return
        failpoint("before-ack")
        # Ack after commit: a crash in between delivers again, and `next_seq` skips it.
        self._bus.ack(held.taken.run_id, opened.seqs)

    def _note_committed(self, held: HeldRun, batch: Batch) -> None:
        held.next_seq, held.trying = batch.next_seq, False
        self._metrics.frames.inc(len(batch.results))
        self._metrics.faces.inc(sum(len(result.faces) for result in batch.results))
        self._metrics.dead_letters.inc(len(batch.rejected))
        self._holdings.pace.note(len(batch.results))

    def _open(self, held: HeldRun, deliveries: list[Delivery], *, careful: bool) -> _Opened:
        """Decode the messages; set aside those that no try could read."""
        opened = _Opened()
        tries = self._store.count_attempt(held.taken) if careful else 0
        held.trying = careful
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
        held: HeldRun,
        opened: _Opened,
        delivery: Delivery,
        frame_index: int | None,
        reason: str,
    ) -> None:
        run_id = held.taken.run_id
        log.error("frame set aside", seq=delivery.seq, reason=reason)
        self._bus.dead_letter(
            run_id, delivery.seq, delivery.data or b"", ttl_s=self._limits.dead_letter_ttl_s
        )
        opened.seqs.append(delivery.seq)
        opened.rejected.append(Rejected(delivery.seq, frame_index, reason))
