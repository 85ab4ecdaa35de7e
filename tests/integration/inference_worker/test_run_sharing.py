"""Workers with a real broker and database share the runs evenly."""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Engine, Row, select

from broker.bus import Bus
from broker.presence import Presence
from broker.reports import WorkerReport
from contracts.errors import ModelError
from contracts.frames import FrameMessage
from contracts.runs import RunState
from inference_worker.batch import Batch
from inference_worker.faces.detected_faces import DetectedFaces
from inference_worker.refusals import GRACE_S
from inference_worker.store import RunStore, TakenRun
from records.runs.queue import enqueue_file
from records.runs.stored_job import stored_job
from records.tables.runs import Run, RunProgress
from tests.rows import FILE_JOB
from tests.workers import CountingAnalyzer, analyzer, frame, make_worker, publish


def publish_runs(bus: Bus, engine: Engine, *, runs: int, frames: int) -> None:
    """Queue runs, and publish the first frames of each."""
    for number in range(runs):
        job = replace(FILE_JOB, content_hash=str(number) * 64)
        with engine.begin() as connection:
            queued = enqueue_file(connection, job, claimant="c:1:1", lease_s=60, again=False)
        publish(bus, queued.run_id, [frame(queued.run_id, seq) for seq in range(1, frames + 1)])


def test_two_workers_share_the_runs_evenly(bus: Bus, engine: Engine) -> None:
    publish_runs(bus, engine, runs=4, frames=1)
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
    publish_runs(bus, engine, runs=7, frames=1)
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


def test_a_run_whose_detector_a_host_does_not_have_is_named_and_left_to_others(
    bus: Bus, engine: Engine, run_id: str
) -> None:
    def refuse(_run: TakenRun) -> CountingAnalyzer:
        raise ModelError("a run needs detector yunet/8f2383e4dd3c", hint="Add it")

    publish(bus, run_id, [frame(run_id, 1)])
    lacking = make_worker("lacking", bus, engine, refuse)
    deadline = time.monotonic() + 60
    refusals: tuple[str, ...] = ()
    while not refusals:
        assert time.monotonic() < deadline
        lacking.step()
        for report in Presence(bus, WorkerReport).alive():
            assert report.runs == ()
            refusals = report.refusals

    (reason,) = refusals
    assert "a run needs detector yunet/8f2383e4dd3c. Add it" in reason

    make_worker("complete", bus, engine, analyzer).step()
    with engine.connect() as connection:
        assert connection.execute(select(RunProgress.holder)).scalar_one() == "complete"


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


def test_no_run_waits_for_the_search_of_another(bus: Bus, engine: Engine) -> None:
    """The first run is searched until the others, which were read with it, are committed."""
    committed = threading.Semaphore(0)
    runs = iter(range(3))

    class Searches(CountingAnalyzer):
        def expects_search(self, _frames: Sequence[FrameMessage]) -> bool:
            return True

        def detect(self, frames: Sequence[FrameMessage]) -> DetectedFaces:
            for _ in range(2):
                assert committed.acquire(timeout=30), "the others wait for this search"
            return super().detect(frames)

    class Notes(RunStore):
        def commit(self, run: TakenRun, batch: Batch) -> None:
            super().commit(run, batch)
            committed.release()

    publish_runs(bus, engine, runs=3, frames=1)
    worker = make_worker(
        "one",
        bus,
        engine,
        lambda _run: Searches() if next(runs) == 0 else CountingAnalyzer(),
        store=Notes(engine, "one"),
    )
    worker.step()
    with engine.connect() as connection:
        assert connection.execute(select(RunProgress.next_seq)).scalars().all() == [2, 2, 2]


def test_a_worker_with_long_turns_still_releases_runs(bus: Bus, engine: Engine) -> None:
    """All its heartbeats are sent within turns, so none is due between them."""

    class Slow(CountingAnalyzer):
        def detect(self, frames: Sequence[FrameMessage]) -> DetectedFaces:
            time.sleep(0.3)  # Longer than a heartbeat.
            return super().detect(frames)

    publish_runs(bus, engine, runs=2, frames=199)
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


def test_a_run_that_no_worker_can_analyse_ends_with_the_reason_and_the_command(
    bus: Bus, engine: Engine, run_id: str
) -> None:
    def refuse(run: TakenRun) -> CountingAnalyzer:
        if run.spec.model_version == "old@1":
            raise ModelError("it needs model old@1", hint="Start a worker with it")
        return analyzer(run)

    old = replace(FILE_JOB, content_hash="b" * 64, model_version="old@1")
    with engine.begin() as connection:
        held_up = enqueue_file(connection, old, claimant="c:1:1", lease_s=60, again=False).run_id
    publish(bus, run_id, [frame(run_id, 1)])
    publish(bus, held_up, [frame(held_up, 1)])
    now = [0.0]
    worker = make_worker("one", bus, engine, refuse, clock=lambda: now[0])

    def ended() -> Row[str, str, str | None] | None:
        query = select(Run.state, Run.error, Run.claimed_by).where(
            Run.run_id == held_up, Run.state == RunState.FAILED
        )
        with engine.connect() as connection:
            return connection.execute(query).first()

    worker.step()
    assert ended() is None
    now[0] += GRACE_S
    deadline = time.monotonic() + 60
    while not (failed := ended()):
        assert time.monotonic() < deadline
        worker.step()

    assert failed.error.startswith("it needs model old@1. Start a worker with it.")
    assert f"`moodline jobs again {held_up}`" in failed.error
    assert failed.claimed_by is None
    with engine.connect() as connection:
        assert stored_job(connection, held_up) == old
        holders = connection.execute(select(RunProgress.holder)).scalars().all()
    assert sorted(map(str, holders)) == ["None", "one"]
