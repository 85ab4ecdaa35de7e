"""The worker process: analyses runs from the broker until SIGTERM."""

import os
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Final

import structlog
from prometheus_client import CollectorRegistry

from broker.bus import Bus
from contracts.errors import ModelError, MoodlineError
from contracts.settings import Device, Settings
from inference_worker.faces.analysis import RunAnalyzer
from inference_worker.faces.classifier_devices import open_classifier
from inference_worker.faces.classify import Classifier
from inference_worker.faces.detectors.choice import chosen_detector, make_detector
from inference_worker.faces.landmarks.landmarker import FaceLandmarker
from inference_worker.held_runs import HeldRuns, WorkerIdentity, WorkerLimits
from inference_worker.metrics import WorkerMetrics, share_metrics
from inference_worker.pictures.live_view import LiveViews
from inference_worker.store import RunStore, TakenRun
from inference_worker.worker import Worker
from records.broker_key import read_broker_key_when_up
from records.database import open_engine
from records.seen_services import ServiceNotes, ServiceProcess
from runtime.failpoints import arm
from runtime.logs import configure_logs
from runtime.processes.garbage import spare_loaded_objects
from runtime.stall_guard import StallGuard
from runtime.stop_signal import StopSignal

SERVICE: Final = "service"
"""The argument of a worker that belongs to a service, and not to one command."""

_SWITCH_S: Final = 0.0005
"""Each call of OpenCV gives the interpreter up for some microseconds. With Python's 5 ms, the
detecting thread would wait so long after most of them for one that builds rows."""


_prepared: dict[tuple[str, str], Classifier] = {}


def prepare() -> None:
    """Load the usual model of a worker whose runs are not known yet; see WarmStarts."""
    with suppress(MoodlineError):  # `main` will say it.
        settings = Settings.read()
        key = settings.model, settings.model_head
        _prepared[key] = open_classifier(settings.model, Device.CPU, settings.model_head)


def serve(  # noqa: PLR0913  (one argument per choice of the caller)
    settings: Settings,
    *,
    name: str = "",
    service: bool = True,
    device: Device = Device.AUTO,
    registry: CollectorRegistry | None = None,
    on_turn: Callable[[str, Sequence[str]], None] = lambda _trouble, _lacks: None,
) -> None:
    """Analyse runs until SIGTERM. Raises ModelError if the model cannot be loaded.

    name: the worker's name, which a restarted worker keeps so that it finds its own leases. "":
    nothing supervises it, and it also stops at Ctrl-C. service: whether it is missed when it dies;
    False for a worker of one command. on_turn: called after each turn with the
    trouble that kept it from working, or "", and with the models and detectors that it lacks.
    """
    if settings.failpoint:
        arm(settings.failpoint)
    sys.setswitchinterval(_SWITCH_S)
    stop = StopSignal(interrupt=not name)
    name = name or f"{socket.gethostname()}:{os.getpid()}"
    engine = open_engine(settings.effective_database_url)
    key = read_broker_key_when_up(engine, stop)
    bus = Bus.connect_when_up(settings.redis_url, key, stop)
    chosen_detector(settings)  # A damaged one is said at the start, not with the first run.
    ready = _prepared.pop((settings.model, settings.model_head), None)
    classifier = ready or open_classifier(settings.model, device, settings.model_head)
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
    share_metrics(name)
    metrics = WorkerMetrics(registry or CollectorRegistry())
    guard = StallGuard(settings.stall_s)

    notes = ServiceNotes(engine, ServiceProcess(name, "worker", identity.host, identity.pid))
    held_runs = HeldRuns(
        identity,
        bus,
        store,
        _analyzer_factory(classifier, settings),
        limits,
        metrics,
        on_heartbeat=notes.note_running if service else lambda: None,
    )

    def note_turn(trouble: str) -> None:
        guard.reset()
        on_turn(trouble, held_runs.refusals.lacks())

    guard.reset()
    worker = Worker(
        held_runs,
        bus,
        store,
        classifier,
        limits,
        metrics,
        LiveViews(bus, settings.live_view),
        note_turn,
    )
    spare_loaded_objects()
    worker.run(stop.is_set)
    guard.disarm()
    if service:
        notes.note_stopped()
    engine.dispose()
    bus.close()


def _analyzer_factory(
    classifier: Classifier, settings: Settings
) -> Callable[[TakenRun], RunAnalyzer]:
    """Return a function that makes the analyzer of a run.

    It raises ModelError for other models, and for detectors that this host does not have. Runs
    share detectors, which keep nothing between calls: each holds up to 60 MB.
    """
    detectors = cache(partial(make_detector, yunet_file=settings.yunet_path))
    landmarker = cache(partial(FaceLandmarker, settings.landmarks_path))

    def make_analyzer(run: TakenRun) -> RunAnalyzer:
        if run.spec.model_version != classifier.card.version:
            raise ModelError(
                f"run {run.run_id} needs model {run.spec.model_version}, "
                f"this worker has {classifier.card.version}",
                hint="Start a worker with that model",
            )
        return RunAnalyzer(
            detectors(run.spec.detector),
            classifier,
            run.spec.options,
            run.checkpoint,
            landmarker() if run.spec.options.landmarks else None,
        )

    return make_analyzer


def main() -> None:
    """Run a worker of a stack: its name is the first argument, SERVICE the second in a service."""
    settings = Settings.read()
    configure_logs(settings.log_level)
    structlog.contextvars.bind_contextvars(worker=sys.argv[1].rpartition("/")[2])
    serve(settings, name=sys.argv[1], service=SERVICE in sys.argv[2:], device=Device.CPU)


if __name__ == "__main__":
    main()
