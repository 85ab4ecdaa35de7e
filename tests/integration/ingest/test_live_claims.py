"""Live runs whose reader died, or was taken for dead: each frame is still in exactly one place."""

import pytest
from sqlalchemy import Engine, update

from analytics.runs.run_list import list_runs
from analytics.snapshots import in_snapshot
from contracts.times import EPOCH
from inference_worker.worker import Worker
from ingest.live.orphaned_runs import end_orphaned_runs
from ingest.live.published_counts import PublishedCounts
from ingest.live.run_stream import LiveClaim
from records.database import transaction
from records.tables.runs import Run
from runtime.process_identity import claimant_name
from tests.integration.ingest.stepped_camera import CLAIM, Camera, ledger, until, work


@pytest.mark.parametrize(
    "broker_dies", [pytest.param(False, marks=pytest.mark.both_databases), True]
)
def test_the_run_of_a_dead_reader_is_ended_with_all_that_it_published(
    camera: Camera, worker: Worker, engine: Engine, *, broker_dies: bool
) -> None:
    camera.publish(1)
    until(lambda: bool(worker.step()) or ledger(engine).analyzed == 1)
    camera.publish(2)
    dead = camera.publisher.run_id  # kill -9: nothing is closed, and its claim is not renewed.
    with transaction(engine) as connection:
        connection.execute(update(Run).values(claimed_by="gone:1:1", claim_expires_at=None))
    if broker_dies:
        camera.bus.client.delete(camera.bus.stream_key(dead), camera.bus.runs_key)
    assert PublishedCounts.read(camera.marks, dead) is not None
    assert end_orphaned_runs(engine, camera.bus, CLAIM, camera.marks) == 1
    assert end_orphaned_runs(engine, camera.bus, CLAIM, camera.marks) == 0, (
        "its End waits for a worker"
    )
    work(worker, engine)
    found = ledger(engine)
    lost = {"broker_lost": 2} if broker_dies else {}
    assert (found.captured, found.analyzed, found.dropped) == (3, 1 if broker_dies else 3, lost)
    assert end_orphaned_runs(engine, camera.bus, CLAIM, camera.marks) == 0
    assert not list(camera.marks.glob("*")), "nothing is left of it"


def test_a_reader_that_was_taken_for_dead_begins_a_run_of_its_own(
    camera: Camera, worker: Worker, engine: Engine
) -> None:
    camera.publisher = camera.new_publisher(LiveClaim(claimant_name(), 0.0))  # Renewed each time.
    camera.publish(2)
    with transaction(engine) as connection:
        connection.execute(update(Run).values(claimed_by="gone:1:1", claim_expires_at=None))
    other = LiveClaim("other:1:1", 60)
    assert end_orphaned_runs(engine, camera.bus, other, camera.marks) == 1
    camera.picture()
    camera.publisher.step(0.05)  # It finds out, and publishes nothing into the run.
    camera.publisher.step(0.05)
    camera.stop()
    work(worker, engine)
    found = ledger(engine)
    assert (found.captured, found.analyzed, found.dropped) == (3, 3, {})
    assert len(in_snapshot(engine, list_runs)) == 2


def test_a_clock_that_is_set_ahead_ends_no_run_of_a_living_reader(
    camera: Camera, worker: Worker, engine: Engine
) -> None:
    camera.publish(2)
    with transaction(engine) as connection:
        connection.execute(update(Run).values(claim_expires_at=EPOCH))
    assert end_orphaned_runs(engine, camera.bus, LiveClaim("other:1:1", 60), camera.marks) == 0
    camera.publish(1)
    camera.stop()
    work(worker, engine)
    found = ledger(engine)
    assert (found.captured, found.analyzed, found.dropped) == (3, 3, {})
    assert len(in_snapshot(engine, list_runs)) == 1


@pytest.mark.parametrize("end_is_analysed", [False, True])
@pytest.mark.parametrize("pictures", [0, 2])
def test_a_run_that_another_ended_takes_no_more_frames(
    camera: Camera, worker: Worker, engine: Engine, *, end_is_analysed: bool, pictures: int
) -> None:
    camera.publish(2)
    with transaction(engine) as connection:
        connection.execute(update(Run).values(claimed_by="gone:1:1", claim_expires_at=None))
    other = LiveClaim("other:1:1", 60)
    assert end_orphaned_runs(engine, camera.bus, other, camera.marks) == 1
    if end_is_analysed:
        work(worker, engine)
    camera.picture()  # Its claim need not be renewed yet: the broker tells.
    for _ in range(pictures):
        camera.publisher.step(0.05)
        camera.publish(1)
    camera.stop()
    work(worker, engine)
    found = ledger(engine)
    assert found.captured == 3 + pictures == found.analyzed + sum(found.dropped.values())
    assert not found.dropped.get("broker_lost") and found.dropped.get("newest", 0) <= 1
    assert len(in_snapshot(engine, list_runs)) == 2
