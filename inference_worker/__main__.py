"""The worker process: takes runs from the broker until it is told to stop."""

import os
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType

import structlog
from prometheus_client import CollectorRegistry

from broker.bus import Bus
from contracts.analysis_spec import AnalysisOptions
from contracts.errors import ModelError
from contracts.settings import Device, Settings
from inference_worker.faces.analysis import RunAnalyzer
from inference_worker.faces.classifier_devices import open_classifier
from inference_worker.faces.classify import Classifier
from inference_worker.faces.detect import make_detector
from inference_worker.metrics import WorkerMetrics
from inference_worker.pictures.live_view import Views
from inference_worker.run_sharing import Holdings, WorkerIdentity, WorkerLimits
from inference_worker.store import RunStore, TakenRun
from inference_worker.worker import Worker
from records.database import open_engine
from runtime.failpoints import arm
from runtime.logs import configure_logs
from runtime.stall_guard import StallGuard


class _Stop:
    """Set by SIGTERM. Ctrl-C is the parent's to handle; a service has no parent that does."""

    def __init__(self, *, service: bool) -> None:
        self.asked = False
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, self._ask if service else signal.SIG_IGN)

    def _ask(self, _signal: int, _frame: FrameType | None) -> None:
        self.asked = True


def serve(
    settings: Settings,
    *,
    name: str = "",
    device: Device = Device.AUTO,
    registry: CollectorRegistry | None = None,
    on_turn: Callable[[str], None] = lambda _trouble: None,
) -> None:
    """Work until SIGTERM. Raises ModelError.

    name: a lasting one, so that a successor finds its own lease; without one this is a service.
    """
    if settings.failpoint:
        arm(settings.failpoint)
    stop = _Stop(service=not name)
    name = name or f"{socket.gethostname()}:{os.getpid()}"
    engine = open_engine(settings.effective_database_url)
    bus = Bus.connect_when_up(settings.redis_url, lambda: stop.asked)
    classifier = open_classifier(settings.model, device, settings.model_head)
    limits = WorkerLimits(
        batch_frames=settings.batch_frames,
        lease_s=settings.lease_s,
        max_attempts=settings.max_attempts,
        dead_letter_ttl_s=settings.dead_letter_ttl_s,
    )
    identity = WorkerIdentity(
        id=name,
        host=socket.gethostname(),
        pid=os.getpid(),
        device=classifier.device,
        model=classifier.card.version,
    )
    store = RunStore(engine, name)
    metrics = WorkerMetrics(registry or CollectorRegistry())
    guard = StallGuard(settings.stall_s)

    def note_turn(trouble: str) -> None:
        guard.turn()
        on_turn(trouble)

    holdings = Holdings(identity, bus, store, _maker(classifier), limits, metrics)
    guard.turn()
    worker = Worker(
        holdings,
        bus,
        store,
        classifier,
        limits,
        metrics,
        Views(bus, settings.live_view),
        note_turn,
    )
    worker.run(lambda: stop.asked)
    guard.rest()
    engine.dispose()
    bus.close()


def _maker(classifier: Classifier) -> Callable[[TakenRun], RunAnalyzer]:
    """Makes the analyzer of a run, if this worker has what the run is pinned to."""

    def make_analyzer(run: TakenRun) -> RunAnalyzer:
        if run.model_version != classifier.card.version:
            raise ModelError(
                f"run {run.run_id} wants model {run.model_version}, "
                f"this worker has {classifier.card.version}",
                hint="Start a worker with that model, or analyse the source again",
            )
        return RunAnalyzer(
            make_detector(run.detector), classifier, AnalysisOptions(**run.analysis), run.checkpoint
        )

    return make_analyzer


def main() -> None:
    """A worker of `moodline analyze`, named by its parent."""
    settings = Settings.read()
    configure_logs(settings.log_level)
    structlog.contextvars.bind_contextvars(worker=sys.argv[1].rpartition("/")[2])
    serve(settings, name=sys.argv[1], device=Device.CPU)


if __name__ == "__main__":
    main()
