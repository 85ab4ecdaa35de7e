"""A live source's frames on a real broker and a real database: each is in exactly one place."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np
import pytest
from av.video.frame import VideoFrame
from sqlalchemy import Engine, select, update

from analytics.runs.run_list import list_runs
from analytics.runs.run_summary import run_summaries
from analytics.snapshots import in_snapshot
from broker.bus import Bus
from broker.live_view import SourceView
from broker.open_runs import OpenRuns
from broker.publishing import RunPublisher
from contracts.analysis_spec import AnalysisOptions, AnalysisSpec
from contracts.errors import BrokerError, DatabaseError, StreamLostError
from contracts.frames import FrameMessage
from contracts.geometry import Box
from contracts.runs import RunState
from contracts.settings import LiveView
from contracts.times import EPOCH
from inference_worker.faces.analysis import DetectedFace, DetectedFaces
from inference_worker.faces.tracks import Track
from inference_worker.worker import Worker
from ingest.live import publisher as live_publisher
from ingest.live import run_stream as live_run_stream
from ingest.live.clock import LiveClock
from ingest.live.inputs import InputFrame, LiveInput
from ingest.live.orphaned_runs import end_orphaned_runs
from ingest.live.published_counts import PublishedCounts
from ingest.live.publisher import LivePublisher
from ingest.live.reader import LiveReader
from ingest.live.run_stream import LiveClaim
from records.database import transaction
from records.sources.live_sources import SourceSettings, add_source, find_source
from records.tables.faces import Frame
from records.tables.runs import Run
from runtime.process_identity import claimant_name
from tests.workers import CountingAnalyzer, analyzer, make_worker

PINS = AnalysisSpec("haar-1", "m", AnalysisOptions(0.4, None, 24, 64))
CLAIM = LiveClaim(claimant_name(), 60)


@dataclass
class Hand(LiveInput):
    """A camera whose pictures come when the test says so."""

    aspect: Fraction = Fraction(1)
    corrupt: int = 0
    codec: str = "raw"
    rate: float | None = None
    go_on: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    over: bool = False

    def frames(self) -> Iterator[InputFrame]:
        while True:
            assert self.go_on.acquire(timeout=60)
            if self.over:
                return
            gray = np.zeros((48, 64), np.uint8)
            yield InputFrame(VideoFrame.from_ndarray(gray, format="gray"), None)

    def close(self) -> None: ...


@dataclass
class Camera:
    """One source being read, published and analysed, step by step."""

    engine: Engine
    bus: Bus
    marks: Path
    name: str = "door"
    wall_s: float = datetime(2026, 11, 23, 23, 59, 0, tzinfo=UTC).timestamp()
    monotonic_s: float = 100.0
    hand: Hand = field(default_factory=Hand)

    def __post_init__(self) -> None:
        uri = f"rtsp://{self.name}"
        add_source(self.engine, self.name, SourceSettings(uri, uri, None, 2.0, 64))
        clock = LiveClock(lambda: self.wall_s, lambda: self.monotonic_s)
        self.reader = LiveReader(
            "rtsp://door", fps=None, max_side=64, clock=clock, opener=lambda _uri: self.hand
        )
        self.reader.start()
        self.publisher = self.new_publisher()

    def new_publisher(self, claim: LiveClaim = CLAIM) -> LivePublisher:
        source = find_source(self.engine, self.name)
        return LivePublisher(self.engine, self.bus, source, PINS, self.reader, claim, self.marks)

    def picture(self) -> None:
        """One more picture comes, a second after the last one."""
        captured = self.reader.counters().captured
        self.wall_s += 1
        self.monotonic_s += 1
        self.hand.go_on.release()
        until(lambda: self.reader.counters().captured > captured)

    def publish(self, pictures: int) -> None:
        for _ in range(pictures):
            self.picture()
            self.publisher.step(0.05)

    def stop(self) -> None:
        self.hand.over = True
        self.hand.go_on.release()
        self.reader.close()
        self.publisher.close()


def until(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(3000):
        if holds():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come to that")


@pytest.fixture
def camera(engine: Engine, bus: Bus, tmp_path: Path) -> Iterator[Camera]:
    one = Camera(engine, bus, tmp_path / "live")
    yield one
    one.hand.over = True
    one.hand.go_on.release()
    one.reader.close()


@pytest.fixture
def worker(engine: Engine, bus: Bus) -> Worker:
    return make_worker("w", bus, engine, analyzer)


def work(worker: Worker, engine: Engine) -> None:
    """Until no run is open."""

    def ended() -> bool:
        worker.step()
        return all(run.state == RunState.DONE for run in in_snapshot(engine, list_runs))

    until(ended)


@dataclass
class Ledger:
    """All runs of the source together."""

    captured: int
    analyzed: int
    dropped: dict[str, int]


def ledger(engine: Engine) -> Ledger:
    """Every run balances, and its rows are there once."""
    summaries = in_snapshot(
        engine, run_summaries, [run.run_id for run in in_snapshot(engine, list_runs)]
    )
    total = Ledger(0, 0, {})
    for summary in summaries:
        coverage = summary.coverage
        assert coverage.captured == (
            summary.frames_analyzed + coverage.sampled_out + sum(coverage.dropped.values())
        )
        total.captured += coverage.captured
        total.analyzed += summary.frames_analyzed
        for cause, count in coverage.dropped.items():
            total.dropped[cause] = total.dropped.get(cause, 0) + count
    with engine.connect() as connection:
        rows = connection.execute(select(Frame.run_pk, Frame.frame_index)).all()
    assert len(set(rows)) == len(rows) == total.analyzed
    return total


def test_every_picture_is_analysed_or_counted(
    camera: Camera, worker: Worker, engine: Engine
) -> None:
    camera.publish(3)  # As many as its stream holds.
    camera.publish(2)  # These find no room: the newer takes the older's place.
    until(lambda: bool(worker.step()) or ledger(engine).analyzed == 3)
    camera.publish(1)
    camera.hand.corrupt = 4
    camera.publish(1)
    camera.stop()
    work(worker, engine)
    found = ledger(engine)
    assert found.captured == 11
    assert found.dropped == {"newest": 2, "corrupt": 4}
    assert not OpenRuns(camera.bus).scan()[1]


def test_frames_that_go_with_the_broker_are_counted_once(
    camera: Camera, worker: Worker, engine: Engine
) -> None:
    camera.publish(2)
    until(lambda: bool(worker.step()) or ledger(engine).analyzed == 2)
    camera.publish(2)
    camera.bus.client.delete(camera.bus.stream_key(camera.publisher.run_id), camera.bus.runs_key)
    camera.publish(2)
    camera.stop()
    work(worker, engine)
    found = ledger(engine)
    assert (found.captured, found.analyzed, found.dropped) == (6, 4, {"broker_lost": 2})


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


def test_a_number_whose_answer_was_lost_is_not_used_twice(
    camera: Camera, worker: Worker, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(stream: RunPublisher, seq: int, data: bytes) -> bool:
        once(stream, seq, data)
        return once(stream, seq, data)

    once = RunPublisher.publish
    monkeypatch.setattr(RunPublisher, "publish", twice)
    camera.publish(2)
    camera.stop()
    work(worker, engine)
    found = ledger(engine)
    assert (found.captured, found.analyzed, found.dropped) == (2, 2, {})
    assert len(in_snapshot(engine, list_runs)) == 1


@pytest.mark.parametrize(
    "failing", [(live_publisher, "start_live_run"), (live_run_stream, "publish_end")]
)
def test_a_picture_of_midnight_is_kept_when_a_step_fails(
    camera: Camera,
    worker: Worker,
    engine: Engine,
    failing: tuple[ModuleType, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    camera.wall_s = datetime(2026, 11, 23, 23, 59, 57, tzinfo=UTC).timestamp()
    camera.publish(2)

    def away(*_arguments: object, **_named: object) -> None:
        raise DatabaseError("it is away")

    with monkeypatch.context() as patch:
        patch.setattr(*failing, away)
        camera.picture()
        with pytest.raises(DatabaseError):
            camera.publisher.step(0.05)
    camera.publisher.step(0.05)
    camera.stop()
    work(worker, engine)
    found = ledger(engine)
    assert (found.captured, found.analyzed, found.dropped) == (3, 3, {})
    assert len(in_snapshot(engine, list_runs)) == 2


@pytest.mark.parametrize("refused", ["first", "second"])
def test_a_picture_is_counted_once_whatever_the_broker_says(
    camera: Camera, worker: Worker, engine: Engine, refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream is gone, and the second try ends like this."""
    camera.publish(1)
    answers = {
        "first": [StreamLostError("gone"), StreamLostError("gone")],
        "second": [StreamLostError("gone"), BrokerError("no answer")],
    }[refused]
    once = RunPublisher.publish

    def publish(stream: RunPublisher, seq: int, data: bytes) -> bool:
        if answers:
            raise answers.pop(0)
        return once(stream, seq, data)

    monkeypatch.setattr(RunPublisher, "publish", publish)
    camera.picture()
    with suppress(BrokerError):
        camera.publisher.step(0.05)
    assert not answers
    camera.publisher.step(0.05)
    camera.publish(1)
    camera.stop()
    work(worker, engine)
    found = ledger(engine)
    assert found.captured == 3
    assert found.dropped == ({} if refused == "first" else {"broker_lost": 1})


def test_what_a_full_broker_has_no_memory_for_is_told_apart(
    camera: Camera, worker: Worker, engine: Engine
) -> None:
    camera.publish(1)
    memory: dict[str, int] = camera.bus.client.info("memory")  # type: ignore[assignment]
    too_little = memory["used_memory"] + 2**20  # Less than what workers are left.
    camera.bus.client.config_set("maxmemory", too_little)
    try:
        camera.publish(3)
    finally:  # The broker is the other tests' too.
        camera.bus.client.config_set("maxmemory", memory["maxmemory"])
    camera.publish(1)
    camera.stop()
    work(worker, engine)
    found = ledger(engine)
    assert (found.captured, found.dropped) == (5, {"broker_full": 2})


def test_a_source_that_gives_no_picture_leaves_no_run(camera: Camera, engine: Engine) -> None:
    camera.publisher.step(0.01)
    camera.stop()
    assert not in_snapshot(engine, list_runs) and not list(camera.marks.glob("*"))


def test_a_new_run_begins_with_each_utc_day(camera: Camera, worker: Worker, engine: Engine) -> None:
    camera.wall_s = datetime(2026, 11, 23, 23, 59, 57, tzinfo=UTC).timestamp()
    for _ in range(5):
        camera.publish(1)
        worker.step()
        worker.step()
    camera.stop()
    work(worker, engine)
    with engine.connect() as connection:
        days = connection.execute(
            select(Frame.run_pk, Frame.captured_at).order_by(Frame.captured_at)
        ).all()
    assert ledger(engine).captured == 5 == len(days)
    by_day: dict[int, set[str]] = {}
    for run_pk, at in days:
        by_day.setdefault(run_pk, set()).add(f"{at:%m-%d}")
    assert sorted(by_day.values(), key=sorted) == [{"11-23"}, {"11-24"}]


class CountingClassifier:
    """Says nothing of a crop, and remembers how many came at a time."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def classify(self, crops: np.ndarray) -> np.ndarray:
        self.calls.append(len(crops))
        return np.full((len(crops), 7), 1 / 7)


class OneCropAFrame(CountingAnalyzer):
    """Has a crop of each frame read."""

    def detect(self, frames: Sequence[FrameMessage]) -> DetectedFaces:
        crop = np.zeros((48, 48), np.uint8)
        face = DetectedFace(cast("Track", None), Box(0, 0, 10, 10), crop, 1.0)
        return DetectedFaces(frames, [[face] for _ in frames])


def test_faces_of_two_cameras_are_read_at_once_and_neither_waits_long(
    camera: Camera, engine: Engine, bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = Camera(engine, bus, tmp_path / "live", name="hall")
    classifier = CountingClassifier()
    worker = make_worker("w", bus, engine, lambda _run: OneCropAFrame(0), classifier=classifier)
    waits: list[int] = []
    read = Bus.read

    def late_hall(its: Bus, runs: Sequence[str], count: int, *, block_ms: int) -> Any:
        """The other camera's picture comes while this one's is waited with."""
        if hall.publisher.run_id and list(runs) == [hall.publisher.run_id]:
            waits.append(block_ms)
            hall.publish(1)
        return read(its, runs, count, block_ms=block_ms)

    for one in (camera, hall):
        one.publish(1)
    until(lambda: bool(worker.step()) or sum(classifier.calls) == 2)
    classifier.calls.clear()
    monkeypatch.setattr(Bus, "read", late_hall)
    camera.publish(1)
    until(lambda: bool(worker.step()) or sum(classifier.calls) >= 2)
    assert classifier.calls == [2]
    assert waits == [20]
    monkeypatch.undo()
    for one in (camera, hall):
        one.stop()
    work(worker, engine)
    assert ledger(engine).analyzed == 4


def test_the_newest_view_is_in_the_broker_for_seconds(
    camera: Camera, engine: Engine, bus: Bus
) -> None:
    worker = make_worker("w", bus, engine, analyzer, view=LiveView.BLURRED)
    camera.publish(1)
    until(lambda: bool(worker.step()) or SourceView.newest(bus, "door") is not None)
    view = SourceView.newest(bus, "door")
    assert view is not None and view.picture.startswith(b"\xff\xd8")
    assert (view.width, view.height, len(view.readings)) == (64, 48, 1)
    assert 0 < bus.client.pttl(bus.key("door", "view")) <= 5000  # type: ignore[operator]
    assert SourceView.newest(bus, "hall") is None
