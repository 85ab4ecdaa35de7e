"""A live source's frames on a real broker and a real database: each is in exactly one place."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import Engine, select

from analytics.runs.run_list import list_runs
from analytics.runs.run_summary import run_summaries
from analytics.snapshots import in_snapshot
from broker.bus import Bus
from broker.open_runs import OpenRuns
from broker.publishing import RunPublisher
from contracts.errors import BrokerError, DatabaseError, StreamLostError
from contracts.frame_results import FrameResult
from contracts.frames import FrameMessage
from inference_worker.faces.dwell import dwell_ms
from inference_worker.worker import Worker
from ingest.live import publisher as live_publisher
from ingest.live import run_stream as live_run_stream
from records.tables.faces import Frame
from tests.integration.ingest.stepped_camera import Camera, ledger, until, work
from tests.workers import CountingAnalyzer, make_worker


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


def test_a_number_whose_answer_was_lost_is_not_used_twice(
    camera: Camera, worker: Worker, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(stream: RunPublisher, seq: int, data: bytes, chroma: bytes = b"") -> bool:
        once(stream, seq, data, chroma)
        return once(stream, seq, data, chroma)

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

    def publish(stream: RunPublisher, seq: int, data: bytes, chroma: bytes = b"") -> bool:
        if answers:
            raise answers.pop(0)
        return once(stream, seq, data, chroma)

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


@dataclass
class DwellingAnalyzer(CountingAnalyzer):
    """Gives frames the dwells that the real one gives them."""

    previous_us: int | None = None

    def _one(self, frame: FrameMessage) -> FrameResult:
        ms, self.previous_us = dwell_ms(frame, self.previous_us), frame.media_time_us
        ahead = frame.dwell_us is not None
        return replace(super()._one(frame), dwell_ms=ms, dwells_ahead=ahead)


def test_slow_frames_stand_for_their_period_and_an_outage_does_not(
    engine: Engine, bus: Bus, tmp_path: Path
) -> None:
    """Given a picture every 5 s and an outage of 60 s, at a sampling of 0.2 frames a second."""
    camera = Camera(engine, bus, tmp_path / "live", gap_s=5.0, sampling_fps=0.2)
    camera.wall_s -= 3600  # Midnight would begin another run.
    worker = make_worker("w", bus, engine, lambda _taken: DwellingAnalyzer())

    def has_analysed(count: int) -> bool:
        worker.step()
        return ledger(engine).analyzed == count

    for number in range(1, 6):
        camera.gap_s = 5.0 if number < 5 else 60.0
        camera.publish(1)
        until(partial(has_analysed, number))
    camera.stop()
    work(worker, engine)
    with engine.connect() as connection:
        query = select(Frame.dwell_ms, Frame.dwells_ahead).order_by(Frame.frame_index)
        found = connection.execute(query).all()
    assert [row.dwell_ms for row in found] == [0, 5000, 5000, 5000, 7500]
    assert not any(row.dwells_ahead for row in found)
    (summary,) = in_snapshot(
        engine, run_summaries, [run.run_id for run in in_snapshot(engine, list_runs)]
    )
    assert summary.coverage.analyzed_s == 22.5
    assert summary.emotions["uncertain"] == 22.5
