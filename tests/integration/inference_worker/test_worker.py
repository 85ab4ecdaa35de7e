"""A worker with a real broker and database: every frame is stored once, whatever fails."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Engine, event, select

from broker.bus import Bus
from broker.leases import Leases
from broker.open_runs import OpenRuns
from contracts.errors import DatabaseError, FenceLostError, ModelError
from contracts.frame_results import FrameResult
from contracts.frames import Counters, End, FrameMessage
from contracts.runs import RunState
from inference_worker.batch import Batch, CounterSample
from inference_worker.faces.detected_faces import DetectedFaces
from inference_worker.store import RunStore, TakenRun
from inference_worker.worker import Worker
from records.runs.queue import enqueue_file
from records.runs.state_changes import fail_run
from records.tables.faces import Face, Frame
from records.tables.runs import DeadLetter, Run, RunProgress
from runtime.process_identity import claimant_name
from tests.rows import FILE_JOB
from tests.workers import LIMITS, CountingAnalyzer, analyzer, frame, make_worker, publish


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
    assert OpenRuns(bus).scan() == (0, [])


@pytest.mark.both_databases
def test_worker_continues_from_the_checkpoint_of_a_dead_worker(
    bus: Bus, engine: Engine, run_id: str
) -> None:
    publish(bus, run_id, whole(run_id, 10))
    first = make_worker("one", bus, engine, analyzer)
    work(first, engine, lambda: progress(engine).next_seq > 4)
    Leases(bus).release(run_id, "one")  # As if its lease had run out, with frames left.

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


@pytest.mark.parametrize("taken_by", ["", "other"])
def test_leases_that_run_out_do_not_count_as_crashes(
    bus: Bus, engine: Engine, run_id: str, taken_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine that is too busy. taken_by: who has the lease before the worker renews it."""
    monkeypatch.setattr("inference_worker.held_runs._HEARTBEAT_S", 0.0)
    slow_frames = 5

    class Starved(CountingAnalyzer):
        def detect(self, frames: Sequence[FrameMessage]) -> DetectedFaces:
            nonlocal slow_frames
            if slow_frames and frames[0].seq <= 3 <= frames[-1].seq:
                slow_frames -= 1
                Leases(bus).release(run_id, "w")
                if taken_by:
                    assert Leases(bus).acquire(run_id, taken_by, lease_s=60)
            return super().detect(frames)

    def is_done() -> bool:
        Leases(bus).release(run_id, "other")
        return progress(engine).state == RunState.DONE

    publish(bus, run_id, whole(run_id, 6))
    work(make_worker("w", bus, engine, lambda run: Starved(analyzer(run).before)), engine, is_done)

    assert frames_stored(engine) == list(range(6))
    with engine.connect() as connection:
        assert connection.execute(select(DeadLetter.seq)).all() == []


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
def test_a_batch_is_detected_while_the_one_before_is_committed(
    bus: Bus, engine: Engine, run_id: str
) -> None:
    detected = threading.Event()

    class Detects(CountingAnalyzer):
        def detect(self, frames: Sequence[FrameMessage]) -> DetectedFaces:
            if frames[0].seq > LIMITS.batch_frames:
                detected.set()
            return super().detect(frames)

    class Waits(RunStore):
        def commit(self, run: TakenRun, batch: Batch) -> None:
            assert detected.wait(60), "nothing was detected beside the commit"
            super().commit(run, batch)

    publish(bus, run_id, whole(run_id, 14))
    worker = make_worker("w", bus, engine, lambda _run: Detects(0), store=Waits(engine, "w"))
    deadline = time.monotonic() + 60
    worker.run(lambda: time.monotonic() > deadline or progress(engine).state == RunState.DONE)

    assert frames_stored(engine) == list(range(14))
    assert OpenRuns(bus).scan() == (0, [])


def test_a_commit_that_fails_takes_the_batches_behind_it_along(
    bus: Bus, engine: Engine, run_id: str
) -> None:
    """The database fails once, while two more batches are detected: no frame is left out."""
    behind = threading.Event()
    failures = 1

    class Detects(CountingAnalyzer):
        def detect(self, frames: Sequence[FrameMessage]) -> DetectedFaces:
            if frames and frames[-1].seq > 2 * LIMITS.batch_frames:
                behind.set()
            return super().detect(frames)

    class FailsOnce(RunStore):
        def commit(self, run: TakenRun, batch: Batch) -> None:
            nonlocal failures
            if failures:
                assert behind.wait(60)
                failures = 0
                raise DatabaseError("the database is away")
            super().commit(run, batch)

    publish(bus, run_id, whole(run_id, 14))

    def make(run: TakenRun) -> CountingAnalyzer:
        return Detects(analyzer(run).before)

    worker = make_worker("w", bus, engine, make, store=FailsOnce(engine, "w"))
    deadline = time.monotonic() + 60
    with patch("inference_worker.worker.time.sleep"):
        worker.run(lambda: time.monotonic() > deadline or progress(engine).state == RunState.DONE)

    assert not failures
    assert frames_stored(engine) == list(range(14))
    with engine.connect() as connection:
        numbers = connection.execute(select(Face.track_id).order_by(Face.frame_index)).scalars()
        assert list(numbers) == list(range(1, 15)), "a checkpoint that fits no frame"


@pytest.mark.both_databases
def test_worker_removes_the_stream_of_an_ended_run_and_takes_its_new_attempt(
    bus: Bus, engine: Engine, run_id: str
) -> None:
    fail_run(engine, run_id, "the disk was unplugged")
    publish(bus, run_id, [frame(run_id, 1)])
    worker = make_worker("w", bus, engine, analyzer)
    worker.step()
    assert OpenRuns(bus).scan() == (0, [])

    with engine.begin() as connection:
        enqueue_file(connection, FILE_JOB, claimant=claimant_name(), lease_s=60, again=False)
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
        ticket = enqueue_file(connection, FILE_JOB, claimant="c:1:1", lease_s=60, again=False)
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
