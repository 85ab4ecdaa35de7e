"""A program that can write into the broker: nothing that it writes is believed, and nothing ends.

The attacker has a connection to the broker and knows every key name, but not the key of the
signatures, which only the database holds.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from analytics.runs.run_list import list_runs
from analytics.snapshots import in_snapshot
from broker.bus import Bus
from broker.dead_letters import DeadLetters
from broker.entries.entry_writer import StreamLimits
from broker.entries.stream_entries import MESSAGE_FIELD, TAG_FIELD
from broker.leases import Leases
from broker.publishing import RunPublisher
from broker.signing import TAG_BYTES, Signer
from contracts.live_sources import UNANALYZED, UNANALYZED_S, LiveState
from contracts.runs import RunKind, RunState
from contracts.shared_folders import SharedFolders
from inference_worker.turns.run_turn import MAX_GAP
from ingest.files.publisher import FilePublisher
from ingest.live.orphaned_runs import end_orphaned_runs
from ingest.live.run_stream import LiveClaim
from ingest.live.supervision.status_reports import StatusBuilder
from records.runs.queue import enqueue_file
from records.tables.faces import Face, Frame
from records.tables.runs import DeadLetter, Run, RunProgress
from runtime.process_identity import claimant_name
from tests.attacks.broker_attacker import Attacker
from tests.hostile import messages
from tests.integration.ingest.stepped_camera import Camera, ledger, until, work
from tests.media import VideoSpec, steady, write_video
from tests.rows import FILE_JOB
from tests.workers import analyzer, frame, make_worker, publish

LIMITS = StreamLimits(8, 10**7)


def rows(engine: Engine) -> list[Any]:
    """Return all frames and faces, without the keys of their run."""
    skip = {"id", "run_pk"}
    with engine.connect() as connection:
        return [
            [
                tuple(value for name, value in row._mapping.items() if name not in skip)
                for row in connection.execute(select(table.__table__).order_by(*order))
            ]
            for table, order in (
                (Frame, (Frame.run_pk, Frame.frame_index)),
                (Face, (Face.run_pk, Face.frame_index, Face.track_id)),
            )
        ]


def analyze_recording(engine: Engine, bus: Bus, path: Path, strike: Callable[[str], None]) -> None:
    """Publish and analyse the recording; call `strike` with the run's id at each turn."""
    job = replace(FILE_JOB, uri=str(path), content_hash=path.name)
    with engine.begin() as connection:
        ticket = enqueue_file(connection, job, claimant=claimant_name(), lease_s=600, again=False)
    stop = threading.Event()
    publisher = FilePublisher(engine, bus, LIMITS, SharedFolders(), stop.is_set, lambda _step: None)
    thread = threading.Thread(target=publisher.publish, args=(ticket.run_id,), daemon=True)
    thread.start()
    worker = make_worker("w", bus, engine, analyzer)

    def ended() -> bool:
        strike(ticket.run_id)
        with suppress(Exception):
            worker.step()
            return not any(
                run.state not in {RunState.DONE} for run in in_snapshot(engine, list_runs)
            )
        raise AssertionError("the worker raised an error")

    try:
        until(ended)
    finally:
        stop.set()
        thread.join()


def test_a_recording_keeps_its_rows_while_its_stream_is_attacked(
    sqlite_engine: Engine, bus: Bus, attacker: Attacker, tmp_path: Path
) -> None:
    write_video(tmp_path / "quiet.mp4", steady(60), VideoSpec(size=(64, 48), gop=10))
    (tmp_path / "attacked.mp4").write_bytes((tmp_path / "quiet.mp4").read_bytes())
    for name in ("quiet.mp4", "attacked.mp4"):
        os.utime(tmp_path / name, (1_700_000_000, 1_700_000_000))  # Their time of capture.
    analyze_recording(sqlite_engine, bus, tmp_path / "quiet.mp4", lambda _run: None)
    undisturbed = rows(sqlite_engine)
    strikes = iter([150] * 20)

    def strike(run_id: str) -> None:
        attacker.runs = [run_id, "run"]
        attacker.strike(next(strikes, 0))

    analyze_recording(sqlite_engine, bus, tmp_path / "attacked.mp4", strike)

    both = rows(sqlite_engine)
    assert len(undisturbed[0]) == 60
    assert [kind[len(kind) // 2 :] for kind in both] == undisturbed
    with sqlite_engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(DeadLetter)).scalar() == 0
        assert set(connection.execute(select(RunProgress.broker_lost)).scalars()) == {0}


@pytest.fixture
def camera(sqlite_engine: Engine, bus: Bus, tmp_path: Path) -> Iterator[Camera]:
    one = Camera(sqlite_engine, bus, tmp_path / "live")
    one.publisher = one.new_publisher(LiveClaim(claimant_name(), 0.0))  # Renewed at each step.
    yield one
    one.hand.over = True
    one.hand.go_on.release()
    one.reader.close()


@pytest.mark.parametrize("at", ["999999999-0", "3-0", "2-5", "18446744073709551615-1"])
def test_an_entry_in_a_cameras_stream_costs_no_more_than_the_frames_that_it_displaced(
    camera: Camera, sqlite_engine: Engine, attacker: Attacker, at: str
) -> None:
    worker = make_worker("w", camera.bus, sqlite_engine, analyzer)
    camera.publish(2)
    until(lambda: bool(worker.step()) or ledger(sqlite_engine).analyzed == 2)
    run_id = camera.publisher.run_id
    forged = frame(run_id, min(int(at.partition("-")[0]), 10**9))
    genuine = attacker.client.xrange(attacker.key(run_id, "frames"), count=1)
    tag = genuine[0][1][TAG_FIELD] if genuine else b"t" * TAG_BYTES
    attacker.client.xadd(
        attacker.key(run_id, "frames"), {MESSAGE_FIELD: forged, TAG_FIELD: tag}, id=at
    )
    camera.publish(3)
    worker.step()
    camera.publish(3)
    camera.stop()
    work(worker, sqlite_engine)
    found = ledger(sqlite_engine)
    assert found.captured == 8
    assert found.analyzed + sum(found.dropped.values()) == 8
    assert found.dropped.get("broker_lost", 0) <= 3 and "poison" not in found.dropped
    with sqlite_engine.connect() as connection:
        assert connection.execute(select(func.max(RunProgress.next_seq))).scalar_one() <= 10


def test_a_gap_that_a_stream_cannot_have_ends_the_run_and_the_source_begins_another(
    camera: Camera, sqlite_engine: Engine
) -> None:
    """Only a fault of moodline itself can make one: the message is signed."""
    worker = make_worker("w", camera.bus, sqlite_engine, analyzer)
    camera.publish(1)
    run_id = camera.publisher.run_id
    seq = MAX_GAP + 10
    publisher = RunPublisher(camera.bus, run_id, LIMITS, kind=RunKind.LIVE)
    publisher.begin(reset=False)
    assert publisher.publish(seq, frame(run_id, seq))
    worker.step()
    (run,) = in_snapshot(sqlite_engine, list_runs)
    assert run.state == RunState.FAILED
    with sqlite_engine.connect() as connection:
        reason, lost = connection.execute(
            select(Run.error, RunProgress.broker_lost).join(
                RunProgress, RunProgress.run_pk == Run.id
            )
        ).one()
    assert str(seq) in reason and lost == 0
    camera.publish(3)
    worker.step()
    states = sorted(run.state for run in in_snapshot(sqlite_engine, list_runs))
    assert states == [RunState.FAILED, RunState.RUNNING]


def test_the_run_of_a_dead_reader_ends_despite_a_forged_last_message(
    camera: Camera, sqlite_engine: Engine, attacker: Attacker
) -> None:
    camera.publish(2)
    run_id = camera.publisher.run_id
    forged = messages()[1]
    attacker.client.xadd(attacker.key(run_id, "frames"), {MESSAGE_FIELD: forged}, id="999999999-0")
    with sqlite_engine.begin() as connection:
        connection.execute(Run.__table__.update().values(claimed_by="gone:1:1"))  # type: ignore[attr-defined]
    claim = LiveClaim(claimant_name(), 60)
    assert end_orphaned_runs(sqlite_engine, camera.bus, claim, camera.marks) == 1
    work(make_worker("w", camera.bus, sqlite_engine, analyzer), sqlite_engine)
    found = ledger(sqlite_engine)
    assert found.captured == 2 == found.analyzed + found.dropped.get("broker_lost", 0)


def test_entries_below_the_cursor_do_not_fill_a_stream(
    camera: Camera, sqlite_engine: Engine, attacker: Attacker
) -> None:
    worker = make_worker("w", camera.bus, sqlite_engine, analyzer)
    camera.publish(2)
    until(lambda: bool(worker.step()) or ledger(sqlite_engine).analyzed == 2)
    stream = attacker.key(camera.publisher.run_id, "frames")
    for part in range(1, 50):
        attacker.client.xadd(stream, {"x": "y"}, id=f"2-{part}")
    camera.publish(4)
    until(lambda: bool(worker.step()) or ledger(sqlite_engine).analyzed >= 3)
    camera.stop()
    work(worker, sqlite_engine)
    assert ledger(sqlite_engine).captured == 6


def test_a_worker_takes_its_run_among_a_hundred_thousand_announced_ones(
    sqlite_engine: Engine, bus: Bus, attacker: Attacker
) -> None:
    with sqlite_engine.begin() as connection:
        run_id = enqueue_file(
            connection, FILE_JOB, claimant=claimant_name(), lease_s=600, again=False
        ).run_id
    publish(bus, run_id, [frame(run_id, seq) for seq in range(1, 4)])
    fakes = {f"a{number:08}-x": "live" for number in range(100_000)} | {"\x1b]0;x\x07": "live"}
    attacker.client.hset(bus.runs_key, mapping=fakes)
    worker = make_worker("w", bus, sqlite_engine, analyzer)
    worker.step()
    assert worker._held_runs.runs.keys() == {run_id}
    assert len(rows(sqlite_engine)[0]) == 3


def test_requests_to_publish_again_are_ignored_unless_a_worker_made_them(
    bus: Bus, attacker: Attacker
) -> None:
    publisher = RunPublisher(bus, "run", LIMITS, kind=RunKind.FILE)
    publisher.begin()
    publisher.publish(1, b"frame")
    signed_before = Signer(b"another key of this length").signed("rewind/run", b"1")
    for seq, value in enumerate((b"1", b"abc", b"\xff" * 100_000, signed_before, b"-1", b""), 2):
        attacker.client.set(attacker.key("run", "rewind"), value)
        assert publisher.publish(seq, b"frame")
    attacker.client.delete(attacker.key("run", "rewind"))
    attacker.client.hset(attacker.key("run", "rewind"), "a", "b")
    assert publisher.publish(8, b"frame")


def test_a_lease_that_does_not_run_out_keeps_no_worker_from_a_run(
    bus: Bus, attacker: Attacker
) -> None:
    lease = attacker.key("run", "lease")
    for spoil in (
        partial(attacker.client.set, lease, "evil"),
        partial(attacker.client.set, lease, "evil", px=10**12),
        partial(attacker.client.rpush, lease, "evil"),
    ):
        attacker.client.delete(lease)
        spoil()
        assert Leases(bus).acquire("run", "ann", lease_s=10)
        assert Leases(bus).acquire("run", "ann", lease_s=10)


def test_dead_letters_are_kept_and_dropped_whatever_the_key_holds(
    bus: Bus, attacker: Attacker
) -> None:
    letters = DeadLetters(bus)
    attacker.client.set(letters.key, "not a stream")
    assert letters.drop(["run"]) == 0
    attacker.client.delete(letters.key)
    attacker.client.xadd(
        letters.key, {"run": "run"}, id="18446744073709551615-18446744073709551615"
    )
    letters.add("run", 1, b"frame", ttl_s=60)
    pipeline = attacker.client.pipeline(transaction=False)
    for number in range(5000):
        pipeline.xadd(letters.key, {f"{number}": "x" * 50})
    pipeline.execute()
    letters.drop(["run"])
    assert attacker.client.xlen(letters.key) <= 64


def test_a_source_that_nobody_analyses_is_not_live(
    camera: Camera, sqlite_engine: Engine, attacker: Attacker
) -> None:
    builder = StatusBuilder("door", camera.reader)

    def state() -> tuple[LiveState, str]:
        publisher = camera.publisher
        status = builder.build(publisher.run_id, "", waiting_since_s=publisher.waiting_since_s)
        return status.state, status.reason

    worker = make_worker("w", camera.bus, sqlite_engine, analyzer)
    camera.publish(2)
    assert state()[0] is LiveState.STREAMING
    for _ in range(int(UNANALYZED_S) + 2):  # A second each. The attacker deletes every frame.
        attacker.client.delete(attacker.key(camera.publisher.run_id, "frames"))
        camera.publish(1)
    assert state() == (LiveState.STALLED, UNANALYZED)
    camera.publish(1)
    until(lambda: bool(worker.step()) or ledger(sqlite_engine).analyzed > 0)
    camera.publish(2)
    camera.publisher.step(0.0)
    assert state()[0] is LiveState.STREAMING
