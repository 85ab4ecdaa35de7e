"""The worker loop: take runs, read their frames, analyse, commit, ack.

A run's rows are a function of its frames alone. Whatever dies here, the next holder finds the
same checkpoint beside the same rows and goes on from there. Only the classification is shared:
the faces of all runs that have frames at the same time are read in one batch.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog

from broker.bus import Bus, Delivery
from contracts.errors import (
    BrokerError,
    DatabaseError,
    FenceLostError,
    FrameDecodeError,
    StreamLostError,
)
from contracts.frame_results import FrameResult
from contracts.frames import End, FrameMessage, decode
from inference_worker.accounting import Told
from inference_worker.faces.analysis import classified
from inference_worker.faces.classify import Classifier
from inference_worker.metrics import WorkerMetrics
from inference_worker.pictures.live_view import Views
from inference_worker.run_sharing import HeldRun, Holdings, WorkerLimits
from inference_worker.store import Batch, Rejected, RunStore
from runtime.failpoints import failpoint

log = structlog.get_logger()

_BLOCK_MS: Final = 100
_GATHER_MS: Final = 20
"""How long the first live frame of a batch waits for those of other cameras."""
_RETRY_S: Final = 0.5
_LONGEST_RETRY_S: Final = 8.0


@dataclass(slots=True)
class _Turn:
    """What is done with one run at a time: frames to analyse, what is set aside, and the end.

    seqs: of what is committed. lost: frames that were in the broker and are gone.
    """

    held: HeldRun
    frames: list[FrameMessage] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    lost: int = 0
    end: End | None = None
    results: list[FrameResult] = field(default_factory=list)


class Worker:
    """One worker: analyses its share of the open runs, in one thread.

    on_turn is called after each turn, with what kept it from working, or "".
    """

    def __init__(  # noqa: PLR0913, PLR0917  (its whole surroundings, once)
        self,
        holdings: Holdings,
        bus: Bus,
        store: RunStore,
        classifier: Classifier,
        limits: WorkerLimits,
        metrics: WorkerMetrics,
        views: Views,
        on_turn: Callable[[str], None] = lambda _trouble: None,
    ) -> None:
        self._holdings = holdings
        self._bus = bus
        self._store = store
        self._classifier = classifier
        self._limits = limits
        self._metrics = metrics
        self._views = views
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
        together = []
        for run_id, deliveries in self._read().items():
            held = self._holdings.runs.get(run_id)
            if held is None:  # Its lease ran out while another run was worked on.
                continue
            with self._about(held):
                self._bus.ack(run_id, [d.seq for d in deliveries if d.seq < held.next_seq])
                waiting = self._singly(held, [d for d in deliveries if d.seq >= held.next_seq])
                turn = self._begin(held, waiting, careful=False) if waiting else None
                if turn is not None:
                    together.append(turn)
        self._work(together)

    def _singly(self, held: HeldRun, waiting: list[Delivery]) -> list[Delivery]:
        """After a crash, work frame by frame; what is left is taken with the other runs'."""
        while waiting and waiting[0].seq < held.careful_until:
            first, waiting = waiting[:1], waiting[1:]
            turn = self._begin(held, first, careful=True)
            if turn is None:
                return []
            self._work([turn])
            if self._holdings.runs.get(held.taken.run_id) is not held:
                return []
        return waiting

    @contextmanager
    def _about(self, held: HeldRun) -> Iterator[None]:
        """Work on one run: its name is in the logs, and it is let go when it was lost or ended."""
        with structlog.contextvars.bound_contextvars(
            run=held.taken.run_id, source=held.taken.source
        ):
            try:
                yield
            except FenceLostError as exc:
                log.warning("run lost", reason=str(exc))
                self._metrics.runs_lost.inc()
                self._holdings.runs.pop(held.taken.run_id, None)
            if held.ended and held.taken.run_id in self._holdings.runs:
                log.info("run ended")
                self._holdings.forget(held.taken.run_id)

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
        try:
            found |= self._fresh(fresh, 1 if found else _BLOCK_MS)
            # A camera's frame comes alone; those of the others are not far.
            late = [run_id for run_id in fresh if self._holdings.runs[run_id].taken.live]
            late = [run_id for run_id in late if run_id not in found]
            if late and found:
                found |= self._fresh(late, _GATHER_MS)
        except StreamLostError:
            time.sleep(_BLOCK_MS / 1000)  # Its producer makes it again.
        return found

    def _fresh(self, run_ids: Sequence[str], block_ms: int) -> dict[str, list[Delivery]]:
        return self._bus.read(run_ids, self._limits.batch_frames, block_ms=block_ms)

    def _pending(self, run_id: str, held: HeldRun) -> list[Delivery]:
        try:
            deliveries = self._bus.pending(run_id, self._limits.batch_frames)
        except StreamLostError:
            deliveries = []
        held.read_pending = bool(deliveries)
        return deliveries

    # -- one turn -----------------------------------------------------------------------

    def _begin(
        self, held: HeldRun, deliveries: Sequence[Delivery], *, careful: bool
    ) -> _Turn | None:
        """Open the messages. None: one is missing, and was asked for again.

        What a camera's stream misses is gone with a broker, and counted.
        """
        if held.taken.live:
            gone = [d.seq for d in deliveries if d.data is None]
            self._bus.ack(held.taken.run_id, gone)
            deliveries = [d for d in deliveries if d.data is not None]
            if not deliveries:
                return None
        expected = range(held.next_seq, held.next_seq + len(deliveries))
        whole = [d.seq for d in deliveries] == list(expected)
        if any(d.data is None for d in deliveries) or not (whole or held.taken.live):
            log.warning("frames are missing", next_seq=held.next_seq)
            self._metrics.rewinds.inc()
            self._bus.request_rewind(held.taken.run_id, held.next_seq)
            return None
        turn = _Turn(held, lost=deliveries[-1].seq + 1 - expected.stop)
        if turn.lost:
            log.warning("the broker lost frames", frames=turn.lost)
        tries = self._store.count_attempt(held.taken) if careful else 0
        held.trying = careful
        for delivery in deliveries:
            self._open(turn, delivery, tries)
        return turn

    def _open(self, turn: _Turn, delivery: Delivery, tries: int) -> None:
        """Decode a message; set it aside if no try could read it."""
        try:
            message = decode(delivery.data or b"")
        except FrameDecodeError as exc:
            self._set_aside(turn, delivery, None, exc.line())
            return
        if isinstance(message, End):
            turn.end = message
        elif tries > self._limits.max_attempts:
            reason = f"the worker crashed {tries - 1} times on this frame"
            self._set_aside(turn, delivery, message.frame_index, reason)
        else:
            turn.seqs.append(delivery.seq)
            turn.frames.append(message)

    def _work(self, turns: Sequence[_Turn]) -> None:
        """Analyse, commit and ack, run by run; the faces of all are classified together."""
        if not turns:
            return
        with self._metrics.analyze_seconds.time():
            sightings = []
            for turn in turns:
                failpoint("analysing")
                sightings.append(turn.held.analyzer.find(turn.frames))
                self._holdings.keep_alive()
                self._on_turn("")
            crops = [sighting.crops for sighting in sightings]
            read = classified(self._classifier, [crop for some in crops for crop in some])
            start = 0
            for turn, sighting, some in zip(turns, sightings, crops, strict=True):
                stop = start + len(some)
                turn.results = turn.held.analyzer.read(sighting, read[start:stop])
                start = stop
        for turn in turns:
            if self._holdings.runs.get(turn.held.taken.run_id) is not turn.held:
                continue  # Its lease ran out meanwhile.
            with self._about(turn.held):
                self._conclude(turn)
            self._holdings.keep_alive()

    def _conclude(self, turn: _Turn) -> None:
        held, lost = turn.held, turn.lost
        if turn.seqs:
            cursors = [frame.cursor for frame in turn.frames if frame.cursor]
            batch = Batch(
                next_seq=turn.seqs[-1] + 1,
                results=turn.results,
                rejected=turn.rejected,
                told=[Told(frame.captured_at_us, frame.counters) for frame in turn.frames],
                source_cursor=cursors[-1] if cursors else "",
                checkpoint=held.analyzer.checkpoint(),
                lost=turn.seqs[-1] + 1 - held.next_seq - len(turn.seqs),
            )
            failpoint("before-commit")
            with self._metrics.commit_seconds.time():
                self._store.commit(held.taken, batch)
            lost -= batch.lost
            self._note_committed(turn, batch)
        if turn.end is not None:
            self._store.finish(held.taken, turn.end, lost=lost)
            held.ended = True
            return
        failpoint("before-ack")
        # Ack after commit: a crash in between delivers again, and `next_seq` skips it.
        self._bus.ack(held.taken.run_id, turn.seqs)

    def _note_committed(self, turn: _Turn, batch: Batch) -> None:
        held = turn.held
        held.next_seq, held.trying = batch.next_seq, False
        self._metrics.frames.inc(len(batch.results))
        self._metrics.faces.inc(sum(len(result.faces) for result in batch.results))
        self._metrics.dead_letters.inc(len(batch.rejected))
        self._metrics.broker_lost.inc(batch.lost)
        self._holdings.pace.note(len(batch.results))
        if not held.taken.live or not turn.frames:
            return
        now = time.time()
        for frame in turn.frames:
            late_s = max(now - frame.captured_at_us / 1e6, 0.0)
            self._metrics.latency_seconds.observe(late_s)
            self._holdings.pace.note_latency(late_s)
        self._views.note(held.taken.source, turn.frames[-1], turn.results[-1])

    def _set_aside(
        self, turn: _Turn, delivery: Delivery, frame_index: int | None, reason: str
    ) -> None:
        log.error("frame set aside", seq=delivery.seq, reason=reason)
        self._bus.dead_letter(
            turn.held.taken.run_id,
            delivery.seq,
            delivery.data or b"",
            ttl_s=self._limits.dead_letter_ttl_s,
        )
        turn.seqs.append(delivery.seq)
        turn.rejected.append(Rejected(delivery.seq, frame_index, reason))
