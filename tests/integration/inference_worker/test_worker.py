"""A worker with a real broker and database: every frame is stored once, whatever fails."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from unittest.mock import patch

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, event, select

from broker.bus import Bus
from broker.publishing import RunPublisher, StreamLimits
from contracts.errors import DatabaseError, FenceLostError, ModelError
from contracts.frame_results import FaceResult, FrameResult
from contracts.frames import Counters, End, FrameMessage
from contracts.geometry import Box
from contracts.runs import RunKind, RunState
from contracts.settings import LiveView
from inference_worker.batch import Batch, CounterSample
from inference_worker.faces.analysis import DetectedFaces
from inference_worker.faces.classify import Classifier
from inference_worker.held_runs import HeldRuns, WorkerIdentity, WorkerLimits
from inference_worker.metrics import WorkerMetrics
from inference_worker.pictures.live_view import LiveViews
from inference_worker.store import RunStore, TakenRun
from inference_worker.worker import Worker
from records.runs.queue import enqueue_file
from records.runs.state_changes import fail_run
from records.tables.faces import Frame
from records.tables.runs import DeadLetter, Run, RunProgress
from runtime.process_identity import claimant_name
from tests.integration.records.test_run_queue import JOB

LIMITS = WorkerLimits(batch_frames=4, lease_s=30, max_attempts=2, dead_letter_ttl_s=60)


@dataclass
class CountingAnalyzer:
    """Gives each frame one face, whose track_id is the number of frames so far."""

    before: int = 0

    def detect(self, frames: Sequence[FrameMessage]) -> DetectedFaces:
        return DetectedFaces(frames, [() for _ in frames])

    def smooth(self, detected: DetectedFaces, _probabilities: object) -> list[FrameResult]:
        return [self._one(frame) for frame in detected.frames]

    def checkpoint(self) -> bytes:
        return json.dumps(self.before).encode()

    def _one(self, frame: FrameMessage) -> FrameResult:
        self.before += 1
        face = FaceResult(
            track_id=self.before,
            box=Box(0, 0, 10, 10),
            probabilities=(1.0, *[0.0] * 6),
            emotion="angry",
            confidence=1.0,
            smoothed_emotion=None,
            smoothed_confidence=0.3,
            quality=1.0,
        )
        return FrameResult(
            frame.seq, frame.frame_index, frame.media_time_us, frame.captured_at_us, 40, (face,)
        )


def make_worker(
    name: str,
    bus: Bus,
    engine: Engine,
    make_analyzer: Callable[[TakenRun], Any],
    *,
    model: str = "m",
    store: RunStore | None = None,
    view: LiveView = LiveView.OFF,
    classifier: object = None,
) -> Worker:
    store = store or RunStore(engine, name)
    metrics = WorkerMetrics(CollectorRegistry())
    identity = WorkerIdentity(name, "host", 1, "cpu", model)
    held_runs = HeldRuns(identity, bus, store, make_analyzer, LIMITS, metrics)
    fake = cast("Classifier", classifier)
    return Worker(held_runs, bus, store, fake, LIMITS, metrics, LiveViews(bus, view))


def analyzer(run: TakenRun) -> CountingAnalyzer:
    return CountingAnalyzer(json.loads(run.checkpoint) if run.checkpoint else 0)


@pytest.fixture
def run_id(engine: Engine) -> str:
    with engine.begin() as connection:
        ticket = enqueue_file(connection, JOB, claimant=claimant_name(), lease_s=60, again=False)
    return ticket.run_id


def frame(run_id: str, seq: int) -> bytes:
    return FrameMessage(
        run_id=run_id,
        seq=seq,
        frame_index=seq - 1,
        media_time_us=40_000 * seq,
        captured_at_us=40_000 * seq,
        width=2,
        height=2,
        display_width=2,
        display_height=2,
        counters=Counters(captured=seq),
        luma=bytes(4),
    ).encode()


def publish(bus: Bus, run_id: str, messages: Sequence[bytes], first: int = 1) -> None:
    publisher = RunPublisher(bus, run_id, StreamLimits(1000, 10**7), kind=RunKind.FILE)
    publisher.begin()
    for seq, data in enumerate(messages, first):
        assert publisher.publish(seq, data)


def whole(run_id: str, frames: int) -> list[bytes]:
    end = End(run_id, frames + 1, frames, Counters(captured=frames), "")
    return [*(frame(run_id, seq) for seq in range(1, frames + 1)), end.encode()]


def work(worker: Worker, engine: Engine, until: Callable[[], bool] | None = None) -> None:
    """Run turns until the run has ended, or `until` holds."""
    for _ in range(200):
        worker.step()
        if until() if until else progress(engine).state == RunState.DONE:
            return
    raise TimeoutError("the worker did not reach the expected state")


@dataclass
class Progress:
    state: str
    next_seq: int
    frames_analyzed: int


def progress(engine: Engine) -> Progress:
    with engine.connect() as connection:
        return Progress(
            *connection.execute(
                select(Run.state, RunProgress.next_seq, RunProgress.frames_analyzed).join(
                    RunProgress, RunProgress.run_pk == Run.id
                )
            ).one()
        )


def frames_stored(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return list(
            connection.execute(select(Frame.frame_index).order_by(Frame.frame_index)).scalars()
        )


@pytest.mark.both_databases
def test_worker_stores_every_frame_once_and_removes_the_stream(
    bus: Bus, engine: Engine, run_id: str
) -> None:
    publish(bus, run_id, whole(run_id, 10))

    work(make_worker("w", bus, engine, analyzer), engine)

    assert frames_stored(engine) == list(range(10))
    assert progress(engine).frames_analyzed == 10
    assert bus.open_runs() == []


@pytest.mark.both_databases
def test_worker_continues_from_the_checkpoint_of_a_dead_worker(
    bus: Bus, engine: Engine, run_id: str
) -> None:
    publish(bus, run_id, whole(run_id, 10))
    first = make_worker("one", bus, engine, analyzer)
    work(first, engine, lambda: progress(engine).next_seq > 4)
    bus.release_lease(run_id, "one")  # As if its lease had run out, with frames that are not acked.

    work(make_worker("two", bus, engine, analyzer), engine)

    assert frames_stored(engine) == list(range(10))
    assert progress(engine).frames_analyzed == 10


@pytest.mark.both_databases
def test_a_commit_with_a_stale_fence_is_rejected(engine: Engine, run_id: str) -> None:
    slow, quick = RunStore(engine, "slow"), RunStore(engine, "quick")
    stale = slow.take(run_id)
    assert stale is not None
    taken = quick.take(run_id)
    assert taken is not None
    assert taken.fence > stale.fence and taken.crashed
    batch = Batch(
        next_seq=2,
        results=[FrameResult(1, 0, 0, 0, 0, ())],
        dead_letters=[],
        samples=[CounterSample(40_000, Counters(captured=1))],
        source_cursor="",
        checkpoint=b"1",
    )

    with pytest.raises(FenceLostError):
        slow.commit(stale, batch)

    assert frames_stored(engine) == []
    quick.commit(taken, batch)
    assert frames_stored(engine) == [0]


def test_worker_dead_letters_a_message_that_cannot_be_decoded(
    bus: Bus, engine: Engine, run_id: str
) -> None:
    messages = whole(run_id, 6)
    messages[2] = b"\x00 hostile"
    publish(bus, run_id, messages)

    work(make_worker("w", bus, engine, analyzer), engine)

    assert frames_stored(engine) == [0, 1, 3, 4, 5]
    with engine.connect() as connection:
        (letter,) = connection.execute(select(DeadLetter.seq, DeadLetter.reason)).all()
    assert letter.seq == 3 and letter.reason


@pytest.mark.both_databases
def test_worker_dead_letters_a_frame_that_crashes_it_repeatedly(
    bus: Bus, engine: Engine, run_id: str
) -> None:
    class Dies(CountingAnalyzer):
        def detect(self, frames: Sequence[FrameMessage]) -> DetectedFaces:
            if any(one.seq == 3 for one in frames):
                raise SystemError("stands for a segmentation fault")
            return super().detect(frames)

    def fragile(run: TakenRun) -> CountingAnalyzer:
        return Dies(analyzer(run).before)

    publish(bus, run_id, whole(run_id, 6))
    deaths = 0
    while progress(engine).state != RunState.DONE:
        # The parent restarts the worker under the same name.
        worker = make_worker("w", bus, engine, fragile)
        try:
            work(worker, engine)
        except SystemError:
            deaths += 1
            assert deaths < 10

    assert frames_stored(engine) == [0, 1, 3, 4, 5]
    assert deaths == 1 + LIMITS.max_attempts


def test_worker_requests_a_lost_stream_from_the_first_uncommitted_frame(
    bus: Bus, engine: Engine, run_id: str
) -> None:
    messages = whole(run_id, 10)
    publish(bus, run_id, messages[:4])
    worker = make_worker("w", bus, engine, analyzer)
    work(worker, engine, lambda: progress(engine).next_seq == 5)
    bus.forget_run(run_id)  # The broker was restarted.
    worker.step()

    publish(bus, run_id, messages[4:], first=5)
    work(worker, engine)

    assert frames_stored(engine) == list(range(10))


def test_worker_leaves_a_run_for_another_model_to_other_workers(
    bus: Bus, engine: Engine, run_id: str
) -> None:
    def unfit(run: TakenRun) -> CountingAnalyzer:
        raise ModelError(f"run {run.run_id} wants another model")

    publish(bus, run_id, whole(run_id, 3))
    picky = make_worker("picky", bus, engine, unfit)
    picky.step()

    work(make_worker("able", bus, engine, analyzer), engine)

    assert frames_stored(engine) == [0, 1, 2]


def test_two_workers_share_the_runs_evenly(bus: Bus, engine: Engine) -> None:
    for number in range(4):
        job = replace(JOB, content_hash=str(number) * 64)
        with engine.begin() as connection:
            ticket = enqueue_file(connection, job, claimant="c:1:1", lease_s=60, again=False)
        publish(bus, ticket.run_id, [frame(ticket.run_id, 1)])
    one = make_worker("one", bus, engine, analyzer)
    two = make_worker("two", bus, engine, analyzer)

    def holders() -> list[str | None]:
        with engine.connect() as connection:
            return list(connection.execute(select(RunProgress.holder)).scalars())

    one.step()
    assert holders() == ["one"] * 4
    for _ in range(100):
        two.step()
        one.step()
        if sorted(map(str, holders())) == ["one", "one", "two", "two"]:
            return
    raise AssertionError(f"held by {holders()}")


def test_runs_are_within_one_of_even_over_three_workers(bus: Bus, engine: Engine) -> None:
    for number in range(7):
        job = replace(JOB, content_hash=str(number) * 64)
        with engine.begin() as connection:
            ticket = enqueue_file(connection, job, claimant="c:1:1", lease_s=60, again=False)
        publish(bus, ticket.run_id, [frame(ticket.run_id, 1)])
    workers = [make_worker(name, bus, engine, analyzer) for name in ("one", "two", "three")]

    def held() -> list[int]:
        with engine.connect() as connection:
            holders = list(connection.execute(select(RunProgress.holder)).scalars())
        return sorted(holders.count(name) for name in ("one", "two", "three"))

    workers[0].step()
    assert held() == [0, 0, 7]
    deadline = time.monotonic() + 60
    while held() != [2, 2, 3]:
        assert time.monotonic() < deadline, held()
        for one in workers:
            one.step()


def test_workers_with_another_model_do_not_count_for_the_share(
    bus: Bus, engine: Engine, run_id: str
) -> None:
    publish(bus, run_id, [frame(run_id, 1)])
    other = make_worker("other", bus, engine, analyzer, model="another")
    mine = make_worker("mine", bus, engine, analyzer)
    mine.step()
    other.step()
    mine.step()
    with engine.connect() as connection:
        assert connection.execute(select(RunProgress.holder)).scalar() == "mine"


def test_database_failures_do_not_count_as_attempts_at_a_frame(
    bus: Bus, engine: Engine, run_id: str
) -> None:
    """If the database fails more often than max_attempts, the frame is still analysed."""
    failures = 5

    class Flaky(RunStore):
        def commit(self, run: TakenRun, batch: Batch) -> None:
            nonlocal failures
            if run.next_seq <= 3 < batch.next_seq and failures:
                failures -= 1
                raise DatabaseError("the database is away")
            super().commit(run, batch)

    publish(bus, run_id, whole(run_id, 6))
    worker = make_worker("w", bus, engine, analyzer, store=Flaky(engine, "w"))
    deadline = time.monotonic() + 60

    def should_stop() -> bool:
        return time.monotonic() > deadline or progress(engine).state == RunState.DONE

    with patch("inference_worker.worker.time.sleep"):
        worker.run(should_stop)

    assert failures == 0
    assert frames_stored(engine) == list(range(6))
    with engine.connect() as connection:
        assert connection.execute(select(DeadLetter.seq)).all() == []


@pytest.mark.both_databases
def test_worker_removes_the_stream_of_an_ended_run_and_takes_its_new_attempt(
    bus: Bus, engine: Engine, run_id: str
) -> None:
    fail_run(engine, run_id, "the disk was unplugged")
    publish(bus, run_id, [frame(run_id, 1)])
    worker = make_worker("w", bus, engine, analyzer)
    worker.step()
    assert bus.open_runs() == []

    with engine.begin() as connection:
        enqueue_file(connection, JOB, claimant=claimant_name(), lease_s=60, again=False)
    publish(bus, run_id, whole(run_id, 3))
    deadline = time.monotonic() + 60
    while progress(engine).state != RunState.DONE:
        assert time.monotonic() < deadline
        worker.step()
    assert frames_stored(engine) == [0, 1, 2]


def test_a_full_database_loses_no_frame(bus: Bus, sqlite_engine: Engine) -> None:
    """SQLite reports "database or disk is full"; a slow test fills a real disk."""
    engine = sqlite_engine
    most_pages = 0

    @event.listens_for(engine, "checkout")
    def limit(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={most_pages or 2**30}")

    with engine.begin() as connection:
        ticket = enqueue_file(connection, JOB, claimant="c:1:1", lease_s=60, again=False)
        used = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    frames = 2000
    publish(bus, ticket.run_id, whole(ticket.run_id, frames))
    worker = make_worker("w", bus, engine, analyzer)
    most_pages = used + 20
    with pytest.raises(DatabaseError, match="full"):
        for _ in range(frames):
            worker.step()
    stored = len(frames_stored(engine))
    assert 0 < stored < frames
    most_pages = 0

    successor = make_worker("w", bus, engine, analyzer)
    for _ in range(frames):
        successor.step()
        if progress(engine).state == RunState.DONE:
            break
    assert frames_stored(engine) == list(range(frames))


def test_a_worker_with_long_turns_still_releases_runs(bus: Bus, engine: Engine) -> None:
    """All its heartbeats are sent within turns, so none is due between them."""

    class Slow(CountingAnalyzer):
        def detect(self, frames: Sequence[FrameMessage]) -> DetectedFaces:
            time.sleep(0.3)  # Longer than a heartbeat.
            return super().detect(frames)

    for number in range(2):
        job = replace(JOB, content_hash=str(number) * 64)
        with engine.begin() as connection:
            ticket = enqueue_file(connection, job, claimant="c:1:1", lease_s=60, again=False)
        publish(bus, ticket.run_id, [frame(ticket.run_id, seq) for seq in range(1, 200)])
    busy = make_worker("busy", bus, engine, lambda _run: Slow())
    idle = make_worker("idle", bus, engine, analyzer)
    busy.step()
    idle.step()

    def holders() -> set[str | None]:
        with engine.connect() as connection:
            return set(connection.execute(select(RunProgress.holder)).scalars())

    for _ in range(6):
        busy.step()
        if None in holders():
            break
    idle._held_runs._next_rebalance = 0.0
    idle.step()
    assert holders() == {"busy", "idle"}
