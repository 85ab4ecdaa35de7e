"""Workers with a fake analyzer, and streams of frames for them."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from broker.bus import Bus
from broker.entries.entry_writer import StreamLimits
from broker.publishing import RunPublisher
from contracts.frame_results import FaceResult, FrameResult, LabelRevision
from contracts.frames import Counters, FrameMessage
from contracts.geometry import Box
from contracts.runs import RunKind
from contracts.settings import LiveView
from inference_worker.faces.classify import Classifier
from inference_worker.faces.detected_faces import DetectedFaces
from inference_worker.held_runs import HeldRuns, WorkerIdentity, WorkerLimits
from inference_worker.metrics import WorkerMetrics
from inference_worker.pictures.live_view import LiveViews
from inference_worker.store import RunStore, TakenRun
from inference_worker.worker import Worker

LIMITS = WorkerLimits(batch_frames=4, lease_s=30, max_attempts=2, dead_letter_ttl_s=60)


@dataclass
class CountingAnalyzer:
    """Gives each frame one face, whose track_id is the number of frames so far."""

    before: int = 0

    def detect(self, frames: Sequence[FrameMessage]) -> DetectedFaces:
        return DetectedFaces(frames, [() for _ in frames])

    def smooth(self, detected: DetectedFaces, _probabilities: object) -> list[FrameResult]:
        return [self._one(frame) for frame in detected.frames]

    def expects_search(self, _frames: Sequence[FrameMessage]) -> bool:
        return False

    def finish(self) -> tuple[LabelRevision, ...]:
        return ()

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
    clock: Callable[[], float] = time.monotonic,
) -> Worker:
    store = store or RunStore(engine, name)
    metrics = WorkerMetrics(CollectorRegistry())
    identity = WorkerIdentity(name, "host", 1, "cpu", model)
    held_runs = HeldRuns(identity, bus, store, make_analyzer, LIMITS, metrics, clock)
    fake = cast("Classifier", classifier)
    return Worker(held_runs, bus, store, fake, LIMITS, metrics, LiveViews(bus, view))


def analyzer(run: TakenRun) -> CountingAnalyzer:
    return CountingAnalyzer(json.loads(run.checkpoint) if run.checkpoint else 0)


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
