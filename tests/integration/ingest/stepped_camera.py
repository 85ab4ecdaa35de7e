"""A live source that is read, published and analysed step by step."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from sqlalchemy import Engine, select

from analytics.runs.run_list import list_runs
from analytics.runs.run_summary import run_summaries
from analytics.snapshots import in_snapshot
from broker.bus import Bus
from contracts.analysis_spec import AnalysisOptions, AnalysisSpec
from contracts.runs import RunState
from inference_worker.worker import Worker
from ingest.live.clock import LiveClock
from ingest.live.inputs import InputFrame, LiveInput
from ingest.live.publisher import LivePublisher
from ingest.live.reader import LiveReader
from ingest.live.run_stream import LiveClaim
from ingest.picture_view import DEFAULT_VIEW, PictureView
from records.sources.live_sources import SourceSettings, add_source, find_source
from records.tables.faces import Frame
from runtime.process_identity import claimant_name

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
    image: VideoFrame = field(
        default_factory=lambda: VideoFrame.from_ndarray(np.zeros((48, 64), np.uint8), format="gray")
    )

    def frames(self) -> Iterator[InputFrame]:
        while True:
            assert self.go_on.acquire(timeout=60)
            if self.over:
                return
            yield InputFrame(self.image, None)

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
    view: PictureView = DEFAULT_VIEW
    gap_s: float = 1.0
    sampling_fps: float = 2.0

    def __post_init__(self) -> None:
        uri = f"rtsp://{self.name}"
        add_source(self.engine, self.name, SourceSettings(uri, uri, None, self.sampling_fps, 64))
        clock = LiveClock(lambda: self.wall_s, lambda: self.monotonic_s)
        self.reader = LiveReader(
            "rtsp://door",
            fps=None,
            max_side=64,
            view=self.view,
            clock=clock,
            opener=lambda _uri: self.hand,
        )
        self.reader.start()
        self.publisher = self.new_publisher()

    def new_publisher(self, claim: LiveClaim = CLAIM) -> LivePublisher:
        source = find_source(self.engine, self.name)
        return LivePublisher(self.engine, self.bus, source, PINS, self.reader, claim, self.marks)

    def picture(self) -> None:
        """One more picture comes, `gap_s` after the last one."""
        captured = self.reader.counters().captured
        self.wall_s += self.gap_s
        self.monotonic_s += self.gap_s
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
