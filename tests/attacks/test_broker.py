"""A program that can write into the broker: nothing that it writes is believed, and nothing ends.

The attacker has a connection to the broker and knows every key name, but not the key of the
signatures, which only the database holds.
"""

import json
import os
import random
import stat
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from analytics.runs.run_list import list_runs
from analytics.snapshots import in_snapshot
from broker.bus import MESSAGE_FIELD, TAG_FIELD, Bus
from broker.dead_letters import DeadLetters
from broker.embedded import EmbeddedBroker
from broker.leases import Leases
from broker.live_view import FaceReading, SourceView
from broker.open_runs import OpenRuns
from broker.presence import MAX_MEMBERS, Presence
from broker.publishing import RunPublisher, StreamLimits
from broker.reports import Report, ServiceReport, SourceReport, WorkerReport
from broker.signing import TAG_BYTES, Signer
from contracts.frames import Counters, FrameMessage
from contracts.live_sources import UNANALYZED, UNANALYZED_S, LiveState
from contracts.runs import RunKind, RunState
from contracts.shared_folders import SharedFolders
from inference_worker.run_turn import MAX_GAP
from ingest.files.publisher import FilePublisher
from ingest.live.orphaned_runs import end_orphaned_runs
from ingest.live.run_stream import LiveClaim
from ingest.live.supervision.status_reports import StatusBuilder
from records.broker_key import read_broker_key
from records.runs.queue import enqueue_file
from records.tables.faces import Face, Frame
from records.tables.runs import DeadLetter, Run, RunProgress
from runtime.process_identity import claimant_name
from tests.hostile import hostile_messages, messages
from tests.integration.ingest.test_live_runs import Camera, ledger, until, work
from tests.media import VideoSpec, steady, write_video
from tests.requirements import lacking
from tests.rows import FILE_JOB
from tests.workers import analyzer, frame, make_worker, publish

LIMITS = StreamLimits(8, 10**7)
WORKER = WorkerReport("ann", "host", 1, "cpu", "m@1", ("run",), 12.5, 3, 0.2, (1, 2))
SOURCE = SourceReport("door", "streaming", "", "2026-11-29T12:00:00+00:00", "host", "run", 5.0, 0.1)
SERVICE = ServiceReport("ingest:a", "ingest", "host", 1, "running", "", "2026-11-29T12:00:00+00:00")
READING = FaceReading(1, 0.1, 0.1, 0.2, 0.2, "happy", 0.8, (0.0, 0.0, 0.0, 0.8, 0.1, 0.1, 0.0))
VIEW = SourceView("door", "run", 10**15, 640, 360, (READING,), b"\xff\xd8\xff a picture")
SEED = 20261129


@dataclass
class Attacker:
    """Writes hostile values. runs: whose streams and requests it spoils."""

    client: "redis.Redis"
    prefix: str
    runs: list[str]
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))

    def key(self, name: str, kind: str) -> str:
        return f"{self.prefix}:{{{name}}}:{kind}"

    def value(self) -> bytes:
        """Return something that a reader might trip over."""
        kind = self.chance.randrange(6)
        if kind == 0:
            return self.chance.randbytes(self.chance.randrange(300))
        if kind == 1:
            return next(hostile_messages(self.chance.randrange(10**9), 1))
        if kind == 2:
            return (
                self.chance.randbytes(TAG_BYTES)
                + self.chance.choice((WORKER, SOURCE, SERVICE)).encode()
            )
        if kind == 3:
            return json.dumps(
                {"id": self.chance.choice(({}, [], 10**400, "\x1b[2J", None))}
            ).encode()
        if kind == 4:
            return b"[" * self.chance.randrange(20_000)
        return self.chance.choice((b"", b"NaN", b"-1", b"99999999999999999999", b"\xff" * 70_000))

    def entry_id(self) -> str:
        seq = self.chance.choice((1, 7, 315, 999_999_999, 2**53, 2**64 - 2, 2**63))
        return f"{seq}-{self.chance.choice((0, 0, 0, 1, 7, 2**64 - 1))}"

    def strike(self, writes: int) -> None:
        """Send that many hostile commands, each of a random kind, and ignore their errors."""
        self._pipeline(writes).execute(raise_on_error=False)

    def flood(self, writes: int, *, at_once: int = 2000, distinct: int = 20) -> None:
        """Send that many hostile commands as fast as possible: `distinct` batches, repeatedly."""
        connection = self.client.connection_pool.get_connection()
        batches = [
            connection.pack_commands([one[0] for one in self._pipeline(at_once).command_stack])
            for _ in range(distinct)
        ]
        for number in range(writes // at_once):
            connection.send_packed_command(batches[number % distinct])
            for _ in range(at_once):
                with suppress(redis.ResponseError):
                    connection.read_response()
        self.client.connection_pool.release(connection)

    def _pipeline(self, writes: int) -> Any:
        pipeline = self.client.pipeline(transaction=False)
        for _ in range(writes):
            self._add(pipeline, self.chance.choice(self.runs), self.value())
        return pipeline

    def _add(self, pipeline: Any, run: str, value: bytes) -> None:
        registry = self.chance.choice(("workers", "sources", "services"))
        member = self.chance.choice((value[:2000], b"ann", b"door"))
        fields = {self.chance.choice((MESSAGE_FIELD, TAG_FIELD, b"x", value[:50])): value}
        ttl = self.chance.choice((10**15, float("inf"), 4e12, -1.0))
        stream, reports = self.key(run, "frames"), self.key(registry, "reports")
        dead = f"{self.prefix}:dead"
        choices: list[Callable[[], Any]] = [
            partial(pipeline.xadd, stream, fields, id=self.entry_id()),
            partial(pipeline.xadd, stream, fields),
            partial(pipeline.xgroup_setid, stream, "moodline", "$"),
            partial(pipeline.zadd, self.key(registry, "alive"), {member: ttl}),
            partial(pipeline.hset, reports, member, value),
            partial(pipeline.set, self.key("door", "view"), value),
            partial(pipeline.set, self.key(run, "rewind"), value),
            partial(pipeline.set, self.key(run, "lease"), value),
            partial(pipeline.hset, f"{self.prefix}:runs", value[:100], b"live"),
            partial(pipeline.xadd, dead, fields, id=self.entry_id()),
            partial(pipeline.rpush, self.chance.choice((stream, reports, dead)), value),
            partial(pipeline.delete, self.chance.choice((stream, reports, dead))),
        ]
        self.chance.choice(choices)()


@pytest.fixture
def attacker(bus: Bus, broker: EmbeddedBroker) -> Iterator[Attacker]:
    client = redis.Redis.from_url(broker.url)
    yield Attacker(client, bus.prefix, ["run"])
    client.close()


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


# -- frames ---------------------------------------------------------------------------------


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
        assert Leases(bus).renew("run", "ann", lease_s=10)


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


# -- heartbeats and live views --------------------------------------------------------------


@pytest.mark.parametrize("report", [WORKER, SOURCE, SERVICE])
def test_heartbeats_of_others_are_not_believed(
    bus: Bus, attacker: Attacker, report: Report
) -> None:
    kind = type(report)
    presence = Presence(bus, kind)
    alive, reports = attacker.key(kind.REGISTRY, "alive"), attacker.key(kind.REGISTRY, "reports")
    assert presence.send_heartbeat(report, alive_for_s=60) == [report]
    genuine = attacker.client.hget(reports, report.id)
    fake = replace(report, id="fake")
    wrong = Signer(b"another key of this length")
    values = [attacker.value() for _ in range(1500)] + [
        fake.encode(),
        wrong.signed(f"heartbeat/{kind.REGISTRY}", struct.pack(">Q", 2**60) + fake.encode()),
        genuine,  # The same report under another name.
        b"x" * 2_000_000,
    ]
    for number, value in enumerate(values):
        attacker.client.zadd(alive, {f"fake{number}": float("inf")})
        attacker.client.hset(reports, f"fake{number}", value)
    assert presence.alive() == [report]
    assert presence.send_heartbeat(report, alive_for_s=60) == [report]
    assert sum(bus.refusals.counts.values()) >= len(values)
    for key in (alive, reports):
        attacker.client.delete(key)
        attacker.client.set(key, "another type")
        assert presence.send_heartbeat(report, alive_for_s=60) == [report]


def test_a_heartbeat_that_ran_out_cannot_be_repeated(bus: Bus, attacker: Attacker) -> None:
    presence = Presence(bus, WorkerReport)
    alive, reports = attacker.key("workers", "alive"), attacker.key("workers", "reports")
    presence.send_heartbeat(replace(WORKER, id="dead"), alive_for_s=0.5)
    old = attacker.client.hget(reports, "dead")
    until(lambda: presence.alive() == [])
    attacker.client.zadd(alive, {"dead": float("inf")})
    attacker.client.hset(reports, "dead", old)
    assert presence.alive() == []


def test_a_flood_of_heartbeats_is_dropped_and_the_living_come_back(
    bus: Bus, attacker: Attacker
) -> None:
    presence = Presence(bus, SourceReport)
    presence.send_heartbeat(SOURCE, alive_for_s=60)
    pipeline = attacker.client.pipeline(transaction=False)
    for number in range(MAX_MEMBERS + 1):
        pipeline.zadd(attacker.key("sources", "alive"), {str(number): float("inf")})
    pipeline.execute()
    assert presence.send_heartbeat(SOURCE, alive_for_s=60) == [SOURCE]
    assert presence.alive() == [SOURCE]


def test_live_views_of_others_are_not_shown(bus: Bus, attacker: Attacker) -> None:
    VIEW.publish(bus)
    genuine = attacker.client.get(attacker.key("door", "view"))
    assert genuine is not None
    names = [f"s{number}" for number in range(500)]
    for name in names:
        attacker.client.set(attacker.key(name, "view"), attacker.value())
    attacker.client.set(attacker.key("hall", "view"), genuine)  # Another source's picture.
    attacker.client.hset(attacker.key("yard", "view"), "values", "{}")
    attacker.client.set(attacker.key("huge", "view"), b"x" * 20_000_000)
    found = SourceView.newest_of(bus, ["door", "hall", "yard", "huge", *names])
    assert found == {"door": VIEW}
    attacker.client.set(attacker.key("door", "view"), genuine[:-1] + b"?")
    assert SourceView.newest(bus, "door") is None


def test_a_live_view_that_ran_out_cannot_be_repeated(
    bus: Bus, attacker: Attacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bus, "time_ms", lambda _bus: 1_700_000_000_000)
    VIEW.publish(bus)
    assert attacker.client.exists(attacker.key("door", "view"))
    assert SourceView.newest(bus, "door") is None


@pytest.mark.parametrize(
    "change",
    [
        {"picture": b"<svg onload=alert(1)>"},
        {"picture": b"\xff\xd8\xff" + bytes(2_000_000)},
        {"width": 0},
        {"height": 10**6},
        {"captured_at_us": 2**63},
        {"readings": (replace(READING, x=float("nan")),)},
        {"readings": (replace(READING, confidence=1.5),)},
        {"readings": (replace(READING, probabilities=(1.0,)),)},
        {"readings": (replace(READING, emotion="<b>"),)},
        {"readings": (replace(READING, track_id=-1),)},
    ],
)
def test_a_live_view_out_of_bounds_is_not_shown(bus: Bus, change: dict[str, Any]) -> None:
    replace(VIEW, **change).publish(bus)
    assert SourceView.newest(bus, "door") is None


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


# -- parsers --------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.binary(max_size=400) | JSON.map(lambda value: json.dumps(value).encode()))
def test_a_report_is_valid_or_raises_a_value_error(data: bytes) -> None:
    for kind in (WorkerReport, SourceReport, ServiceReport):
        with suppress(ValueError):
            assert isinstance(kind.decode(data), kind)


@given(st.sampled_from([WORKER, SOURCE, SERVICE]), st.data())
def test_a_report_with_a_field_of_another_type_is_refused(
    report: Report, data: st.DataObject
) -> None:
    values = json.loads(report.encode())
    name = data.draw(st.sampled_from(sorted(values)))
    other = {"value": values[name]}
    values[name] = data.draw(st.sampled_from([{}, [[]], True, other, "x" * 5000, 1e300, -1]))
    with pytest.raises(ValueError, match=name):
        type(report).decode(json.dumps(values).encode())


@given(st.text(max_size=20), st.binary(max_size=200), st.integers(0, 300), st.integers(1, 255))
def test_a_signed_value_with_a_changed_byte_is_refused(
    purpose: str, data: bytes, at: int, change: int
) -> None:
    signer = Signer(b"a key of sixteen bytes")
    value = bytearray(signer.signed(purpose, data))
    assert signer.opened(purpose, bytes(value)) == data
    assert signer.opened(purpose + "x", bytes(value)) is None
    value[at % len(value)] ^= change
    assert signer.opened(purpose, bytes(value)) is None


def test_a_frame_message_is_checked_before_it_is_used() -> None:
    valid = FrameMessage("r", 1, 0, 0, 0, 4, 2, 4, 2, Counters(1), bytes(8))
    for change in (
        {"width": 10**9},
        {"captured_at_us": 2**62},
        {"captured_at_us": -(2**62)},
        {"media_time_us": 2**60},
        {"seq": 2**60},
        {"frame_index": 2**60},
        {"display_height": 0},
        {"counters": Counters(2**60)},
        {"counters": Counters(1, 0, {str(number): 1 for number in range(100)})},
    ):
        with pytest.raises(Exception, match=r"not|out of|many"):
            replace(valid, **change)  # type: ignore[arg-type]


def test_the_key_is_made_once_and_is_the_same_for_all(sqlite_engine: Engine) -> None:
    keys = {read_broker_key(sqlite_engine) for _ in range(3)}
    assert len(keys) == 1 and len(keys.pop()) == 32


def test_no_other_user_can_connect_to_the_embedded_broker(broker: EmbeddedBroker) -> None:
    folder = broker.folder
    socket = Path(broker.url.removeprefix("unix://"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and socket.parent == folder
    assert stat.S_IMODE(socket.stat().st_mode) & 0o077 == 0
    if os.geteuid() != 0:
        lacking("root", "only root can become another user")
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        try:
            redis.Redis.from_url(broker.url).ping()
        except redis.exceptions.ConnectionError as exc:
            os._exit(0 if "Permission denied" in str(exc) else 2)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_broker_does_not_start_in_a_folder_that_others_can_open() -> None:
    with EmbeddedBroker() as broker:
        broker.folder.chmod(0o777)
        with pytest.raises(Exception, match="belongs to another user"):
            broker.restart()
        broker.folder.chmod(0o700)


def test_refusals_are_logged_once_in_a_while_and_quote_nothing(
    bus: Bus, attacker: Attacker, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(300):
        attacker.client.hset(bus.runs_key, f"\x1b[2J evil {number}", "x")
        OpenRuns(bus).scan()
    shown = capsys.readouterr()
    lines = [line for line in (shown.out + shown.err).splitlines() if "refused" in line]
    assert len(lines) == 1 and "evil" not in lines[0]
    assert bus.refusals.counts["run"] == 300
