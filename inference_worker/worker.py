"""The worker loop: read, detect, track, crop, classify, smooth, commit, drop from the stream.

Two threads share it: one reads and detects, the other classifies and commits what the first has
detected. The rows of a run are a function of its frames alone. If a worker dies at any point, the
next one continues from the checkpoint that was committed together with the rows. Runs share only
the classification: the faces of the runs of a turn are classified in one batch, but no run waits
long for the detection of another.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import structlog

from broker.bus import Bus
from broker.entries.stream_entries import Delivery
from contracts.errors import BrokerError, DatabaseError, FenceLostError
from inference_worker.batch import Batch
from inference_worker.faces.analysis import classify_crops
from inference_worker.faces.classify import Classifier
from inference_worker.faces.detected_faces import DetectedFaces
from inference_worker.held_runs import HeldRun, HeldRuns, WorkerLimits
from inference_worker.metrics import WorkerMetrics
from inference_worker.pictures.live_view import LiveViews
from inference_worker.store import RunStore
from inference_worker.turns.finishing import DetectedTurn, TurnFinisher
from inference_worker.turns.run_turn import RunTurn, TurnDecoder
from inference_worker.turns.stream_reader import BLOCK_MS, StreamReader
from runtime.backoff import Backoff
from runtime.failpoints import failpoint

log = structlog.get_logger()

_BUSY_BLOCK_MS: Final = 20
"""Longest wait for messages while a turn is finished beside: its end is noted soon."""


class Worker:
    """Analyses this worker's share of the open runs.

    on_turn is called after each turn, with the failure that prevented the turn, or "".
    """

    def __init__(  # noqa: PLR0913, PLR0917  (a worker's collaborators, passed once)
        self,
        held_runs: HeldRuns,
        bus: Bus,
        store: RunStore,
        classifier: Classifier,
        limits: WorkerLimits,
        metrics: WorkerMetrics,
        live_views: LiveViews,
        on_turn: Callable[[str], None] = lambda _failure: None,
    ) -> None:
        self._held_runs = held_runs
        self._bus = bus
        self._store = store
        self._classifier = classifier
        self._metrics = metrics
        self._live_views = live_views
        self._on_turn = on_turn
        self._reader = StreamReader(bus, limits.batch_frames)
        self._decoder = TurnDecoder(bus, store, limits, metrics, self._settle)
        self._finisher = TurnFinisher(self._finish, held_runs.renew_leases)
        held_runs.before_release = self._settle

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Run turns until `should_stop`, then release all runs.

        If the broker or the database fails, the turn is repeated with back-off.
        """
        backoff = Backoff(jitter=False)
        while not should_stop():
            try:
                self._advance()
            except (BrokerError, DatabaseError) as exc:
                retry_s = backoff.next_pause_s()
                self._drop_runs(exc, retry_s)
                time.sleep(retry_s)
            else:
                backoff.reset()
        try:
            self._settle()
        except (BrokerError, DatabaseError) as exc:
            self._drop_runs(exc, 0.0)
        self._held_runs.release_all()

    def step(self) -> None:
        """Run one turn: read a batch of each held run, process all of them together, and commit."""
        self._advance()
        self._settle()

    def _advance(self) -> None:
        """Read and detect the next batches, while those before are classified and committed."""
        self._held_runs.renew_leases()
        self._held_runs.rebalance()
        # The messages are not held beside the frames that are decoded from them.
        turns = self._read_turns()
        for detected in self._detect(turns):
            self._note_finished(self._finisher.submit(detected))
        self._note_finished(self._finisher.finished())
        if self._finisher.is_idle:
            self._on_turn("")  # Else the stall guard would not see that a commit is stuck.

    def _settle(self) -> None:
        """Wait until all that was detected is committed."""
        self._note_finished(self._finisher.finish_all())

    def _read_turns(self) -> list[RunTurn]:
        turns = []
        block_ms = BLOCK_MS if self._finisher.is_idle else _BUSY_BLOCK_MS
        read = self._reader.read(self._held_runs.runs, block_ms=block_ms)
        for run_id, deliveries in read.items():
            run = self._held_runs.runs.get(run_id)
            if run is None:  # Its lease ran out while another run was analysed.
                continue
            with self._working_on(run):
                new = self._process_singly(run, deliveries)
                turn = self._decoder.decode(run, new, single=False) if new else None
                if turn is not None:
                    turns.append(turn)
        return turns

    def _process_singly(self, run: HeldRun, deliveries: list[Delivery]) -> list[Delivery]:
        """After a crash, process frame by frame, to find one that crashes the worker.

        Return the deliveries that are past the suspect frames.
        """
        while deliveries and deliveries[0].seq < run.single_until:
            first, deliveries = deliveries[:1], deliveries[1:]
            self._settle()
            turn = self._decoder.decode(run, first, single=True)
            if turn is None:
                return []
            for detected in self._detect([turn]):
                self._note_finished(self._finisher.submit(detected))
            self._settle()
            if not self._held_runs.holds(run):
                return []
        return deliveries

    def _detect(self, turns: Sequence[RunTurn]) -> Iterator[DetectedTurn]:
        """Detect run by run, and yield together those that no search of a picture holds up.

        A search takes as long as all else of a live frame: its run comes last, alone.
        """
        searched = {id(turn): turn.run.analyzer.expects_search(turn.frames) for turn in turns}
        quick = [turn for turn in turns if not searched[id(turn)]]
        slow = [[turn] for turn in turns if searched[id(turn)]]
        for group in ([quick] if quick else []) + slow:
            begin = time.perf_counter()
            faces = [self._detect_run(turn) for turn in group]
            yield DetectedTurn(group, faces, time.perf_counter() - begin)

    def _detect_run(self, turn: RunTurn) -> DetectedFaces:
        failpoint("analysing")
        detected = turn.run.analyzer.detect(turn.frames)
        self._held_runs.renew_leases()
        self._on_turn("")
        return detected

    def _note_finished(self, finished: Sequence[DetectedTurn]) -> None:
        for turn in (turn for one in finished for turn in one.turns):
            with self._working_on(turn.run):
                if turn.lost:
                    raise FenceLostError(turn.lost)
                if turn.committed is not None:
                    self._note_commit(turn, turn.committed)
                turn.run.ended |= turn.has_ended
        if finished:
            self._on_turn("")

    def _note_commit(self, turn: RunTurn, batch: Batch) -> None:
        """Advance the run in memory, and update the metrics."""
        run = turn.run
        run.next_seq, run.attempting = batch.next_seq, False
        self._metrics.frames.inc(len(batch.results))
        self._metrics.faces.inc(sum(len(result.faces) for result in batch.results))
        self._metrics.dead_letters.inc(len(batch.dead_letters))
        self._metrics.broker_lost.inc(batch.broker_lost)
        self._held_runs.throughput.add_frames(len(batch.results))
        if not run.taken.live:
            return
        for frame in turn.frames:
            latency_s = max(turn.committed_at - frame.captured_at_us / 1e6, 0.0)
            self._metrics.latency_seconds.observe(latency_s)
            self._held_runs.throughput.add_latency(latency_s)

    # -- in the finisher's thread ---------------------------------------------------------

    def _finish(self, detected: DetectedTurn) -> None:
        """Classify and smooth the faces of all turns, then commit them run by run."""
        begin = time.perf_counter()
        self._classify(detected.turns, detected.faces)
        self._metrics.analyze_seconds.observe(detected.detect_s + time.perf_counter() - begin)
        for turn in detected.turns:
            if not self._held_runs.holds(turn.run):
                continue
            with structlog.contextvars.bound_contextvars(
                run=turn.run.run_id, source=turn.run.taken.source
            ):
                try:
                    self._commit(turn)
                except FenceLostError as exc:
                    turn.lost = str(exc)
        for turn in detected.turns:  # No commit waits for a picture to be drawn.
            if turn.run.taken.live and turn.frames and turn.committed is not None:
                self._live_views.update(turn.run.taken.source, turn.frames, turn.results)

    def _classify(self, turns: Sequence[RunTurn], detected: Sequence[DetectedFaces]) -> None:
        """Classify the crops of all runs in one batch, and smooth each run's own."""
        crops = [crop for faces in detected for crop in faces.crops]
        probabilities = classify_crops(self._classifier, crops)
        start = 0
        for turn, faces in zip(turns, detected, strict=True):
            stop = start + len(faces.crops)
            turn.results = turn.run.analyzer.smooth(faces, probabilities[start:stop])
            start = stop

    def _commit(self, turn: RunTurn) -> None:
        run, broker_lost = turn.run, turn.broker_lost
        if turn.seqs:
            batch = turn.batch()
            failpoint("before-commit")
            with self._metrics.commit_seconds.time():
                self._store.commit(run.taken, batch)
            turn.committed, turn.committed_at = batch, time.time()
            broker_lost -= batch.broker_lost
        if turn.end is not None:
            self._store.finish(
                run.taken, turn.end, broker_lost=broker_lost, revisions=run.analyzer.finish()
            )
            turn.has_ended = True
        elif turn.committed is not None:
            failpoint("before-ack")
            # After the commit: what a crash in between leaves in the stream, `next_seq` skips.
            self._bus.drop_committed({run.run_id: turn.committed.next_seq})

    @contextmanager
    def _working_on(self, run: HeldRun) -> Iterator[None]:
        """Name the run in the logs; stop holding it if its fence is stale or it has ended."""
        with structlog.contextvars.bound_contextvars(run=run.run_id, source=run.taken.source):
            try:
                yield
            except FenceLostError as exc:
                if self._held_runs.holds(run):
                    self._held_runs.lose(run.run_id, str(exc))
            if run.ended and self._held_runs.holds(run):
                log.info("run ended")
                self._held_runs.close(run.run_id)

    def _drop_runs(self, failure: BrokerError | DatabaseError, retry_s: float) -> None:
        log.warning("turn failed", reason=failure.line(), retry_in_s=retry_s)
        server = "broker" if isinstance(failure, BrokerError) else "database"
        self._metrics.failed_turns.labels(server).inc()
        self._finisher.abandon()
        self._held_runs.drop_all()
        self._on_turn(failure.line())
