"""The worker process: takes runs from the broker until it is told to stop."""

import os
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

from contracts.bus import Bus
from contracts.database import open_engine
from contracts.errors import ModelError
from contracts.failpoints import arm
from contracts.jobs import AnalysisOptions
from contracts.logs import configure_logs
from contracts.settings import Settings
from inference_worker.analysis import RunAnalyzer
from inference_worker.classify import LiteRTClassifier, shipped_model
from inference_worker.detect import make_detector
from inference_worker.store import RunStore, TakenRun
from inference_worker.worker import Worker, WorkerLimits


class _Stop:
    """Set by SIGTERM. Ctrl-C is the parent's to handle."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _ask(self, _signal: int, _frame: FrameType | None) -> None:
        self.asked = True


def main(name: str = "") -> None:
    """Work until SIGTERM. name: a lasting one, so that a successor finds its own lease."""
    settings = Settings.read()
    configure_logs(settings.log_level)
    if settings.failpoint:
        arm(settings.failpoint)
    stop = _Stop()
    name = name or f"{socket.gethostname()}:{os.getpid()}"
    engine = open_engine(settings.effective_database_url)
    bus = Bus.connect(settings.redis_url)
    classifier = LiteRTClassifier(Path(settings.model) if settings.model else shipped_model())

    def make_analyzer(run: TakenRun) -> RunAnalyzer:
        if run.model_version != classifier.card.version:
            raise ModelError(
                f"run {run.run_id} wants model {run.model_version}, "
                f"this worker has {classifier.card.version}",
                hint="Start a worker with that model, or analyse the source again",
            )
        return RunAnalyzer(
            make_detector(run.detector),
            classifier,
            AnalysisOptions(**run.analysis),
            run.checkpoint,
        )

    Worker(
        name,
        bus,
        RunStore(engine, name),
        make_analyzer,
        WorkerLimits(
            batch_frames=settings.batch_frames,
            lease_s=settings.lease_s,
            max_attempts=settings.max_attempts,
            dead_letter_ttl_s=settings.dead_letter_ttl_s,
        ),
    ).run(lambda: stop.asked)
    engine.dispose()
    bus.close()


if __name__ == "__main__":
    main(*sys.argv[1:2])
