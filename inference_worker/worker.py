"""The worker loop: read, detect, track, crop, classify, smooth, commit, drop from the stream.

The rows of a run are a function of its frames alone. If a worker dies at any point, the next one
continues from the checkpoint that was committed together with the rows. Runs share only the
classification: the faces of all runs of a turn are classified in one batch.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog

from broker.bus import Bus, Delivery
from contracts.errors import BrokerError, DatabaseError, FenceLostError
from inference_worker.batch import Batch
from inference_worker.faces.analysis import DetectedFaces, classify_crops
from inference_worker.faces.classify import Classifier
from inference_worker.held_runs import HeldRun, HeldRuns, WorkerLimits
from inference_worker.metrics import WorkerMetrics
from inference_worker.pictures.live_view import LiveViews
from inference_worker.run_turn import RunTurn, TurnDecoder
from inference_worker.store import RunStore
from inference_worker.stream_reader import StreamReader
from runtime.backoff import Backoff
from runtime.failpoints import failpoint

log = structlog.get_logger()


class Worker:
    """Analyses this worker's share of the open runs, in one thread.

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
        self._decoder = TurnDecoder(bus, store, limits, metrics)

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Run turns until `should_stop`, then release all runs.

        If the broker or the database fails, the turn is repeated with back-off.
        """
        backoff = Backoff(jitter=False)
        while not should_stop():
            try:
                self.step()
            except (BrokerError, DatabaseError) as exc:
                retry_s = backoff.next_pause_s()
                self._drop_runs(exc, retry_s)
                time.sleep(retry_s)
            else:
                backoff.reset()
                self._on_turn("")
        self._held_runs.release_all()

    def step(self) -> None:
        """Run one turn: read a batch of each held run, and process all of them together."""
        self._held_runs.renew_leases()
        self._held_runs.rebalance()
        # The messages are not held beside the frames that are decoded from them.
        self._process(self._read_turns())

    def _read_turns(self) -> list[RunTurn]:
        turns = []
        for run_id, deliveries in self._reader.read(self._held_runs.runs).items():
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
            turn = self._decoder.decode(run, first, single=True)
            if turn is None:
                return []
            self._process([turn])
            if not self._held_runs.holds(run):
                return []
        return deliveries

    def _process(self, turns: Sequence[RunTurn]) -> None:
        """Analyse the frames of all turns, then commit them run by run."""
        if not turns:
            return
        with self._metrics.analyze_seconds.time():
            detected = [self._detect(turn) for turn in turns]
            self._classify(turns, detected)
        for turn in turns:
            if not self._held_runs.holds(turn.run):
                continue
            with self._working_on(turn.run):
                self._commit(turn)
            self._held_runs.renew_leases()

    def _detect(self, turn: RunTurn) -> DetectedFaces:
        failpoint("analysing")
        detected = turn.run.analyzer.detect(turn.frames)
        self._held_runs.renew_leases()
        self._on_turn("")
        return detected

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
            broker_lost -= batch.broker_lost
            self._after_commit(turn, batch)
        if turn.end is not None:
            self._store.finish(
                run.taken, turn.end, broker_lost=broker_lost, revisions=run.analyzer.finish()
            )
            run.ended = True
            return
        failpoint("before-ack")
        # After the commit: what a crash in between leaves in the stream, `next_seq` skips.
        self._bus.drop_committed({run.run_id: run.next_seq})

    def _after_commit(self, turn: RunTurn, batch: Batch) -> None:
        """Advance the run in memory; update the metrics and the live view."""
        run = turn.run
        run.next_seq, run.attempting = batch.next_seq, False
        self._metrics.frames.inc(len(batch.results))
        self._metrics.faces.inc(sum(len(result.faces) for result in batch.results))
        self._metrics.dead_letters.inc(len(batch.dead_letters))
        self._metrics.broker_lost.inc(batch.broker_lost)
        self._held_runs.throughput.add_frames(len(batch.results))
        if not run.taken.live or not turn.frames:
            return
        now = time.time()
        for frame in turn.frames:
            latency_s = max(now - frame.captured_at_us / 1e6, 0.0)
            self._metrics.latency_seconds.observe(latency_s)
            self._held_runs.throughput.add_latency(latency_s)
        self._live_views.update(run.taken.source, turn.frames, turn.results)

    @contextmanager
    def _working_on(self, run: HeldRun) -> Iterator[None]:
        """Name the run in the logs; stop holding it if its fence is stale or it has ended."""
        with structlog.contextvars.bound_contextvars(run=run.run_id, source=run.taken.source):
            try:
                yield
            except FenceLostError as exc:
                self._held_runs.lose(run.run_id, str(exc))
            if run.ended and run.run_id in self._held_runs.runs:
                log.info("run ended")
                self._held_runs.close(run.run_id)

    def _drop_runs(self, failure: BrokerError | DatabaseError, retry_s: float) -> None:
        log.warning("turn failed", reason=failure.line(), retry_in_s=retry_s)
        server = "broker" if isinstance(failure, BrokerError) else "database"
        self._metrics.failed_turns.labels(server).inc()
        self._held_runs.drop_all()
        self._on_turn(failure.line())
