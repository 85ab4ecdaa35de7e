"""The stack of one command: a broker, ingestors and workers on this host, and their supervision."""

import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from broker.bus import Bus
from broker.embedded import EmbeddedBroker
from broker.runtime_folder import RuntimeFolder
from contracts.errors import BrokerError, MoodlineError
from contracts.settings import Settings
from inference_worker.metrics import SHARED_FOLDER
from ingest.metrics import IngestMetrics
from moodline.stack.claims import Claims
from moodline.stack.ingestors import Ingestors
from runtime.processes.children import StartChild, last_log_lines
from runtime.processes.supervisor import RestartPolicy, Supervisor
from runtime.processes.warm_start import ONE_THREAD
from runtime.stop_signal import raise_pending_interrupt

log = structlog.get_logger()

_SERVICE_POLICY: Final = RestartPolicy()
_COMMAND_POLICY: Final = RestartPolicy(backs_off=False, max_crashes=8)


class Stack:
    """Works through submitted runs with processes of this host; a context manager.

    Start it from the main thread, because its children die with that thread, and call `step`
    in a loop. metrics: given for a service, whose children restart without limit and log to its
    own log; None for a command. start: starts a process; None: `start_child`.
    """

    worker_metrics: Path
    """The folder in which the workers of a service keep their metrics."""
    _workers: Supervisor
    _ingestors: Ingestors

    def __init__(  # noqa: PLR0913  (the settings of the processes)
        self,
        settings: Settings,
        engine: Engine,
        *,
        workers: int,
        ingestors: int,
        metrics: IngestMetrics | None = None,
        start: StartChild | None = None,
    ) -> None:
        self._start = start
        self._is_service = metrics is not None
        self._metrics = metrics or IngestMetrics(CollectorRegistry())
        self._settings = settings
        self._worker_count = workers
        self._ingestor_count = ingestors
        self._claims = Claims(engine, settings.lease_s)
        self._broker: EmbeddedBroker | None = None
        self._env: dict[str, str] = {}
        self._log: Path | None = None
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        url = self._settings.redis_url
        if url:
            Bus.connect(url).close()
            place = RuntimeFolder()
            self._exit.callback(place.remove)
            folder = place.path
        else:
            self._broker = self._exit.enter_context(EmbeddedBroker())
            url, folder = self._broker.url, self._broker.folder
        self._env = _child_environment(self._settings, url)
        self.worker_metrics = folder / "metrics"
        if self._is_service:
            self._env.setdefault("MOODLINE_LOG_LEVEL", "INFO")
        else:
            self._log = folder / "children.log"
        self._ingestors = Ingestors(
            self._claims,
            self._metrics,
            limit=self._ingestor_count,
            stall_s=self._settings.stall_s,
            env=self._env,
            log=self._log,
            shares_memory=self._broker is not None,  # Nobody else reaches an embedded one.
            start=self._start,
        )
        # A worker keeps its name: after a crash it finds its own lease and need not wait for it.
        names = [f"{self.claimant}/{number}" for number in range(self._worker_count)]
        kind = ["service"] if self._is_service else []
        self._workers = Supervisor(
            "worker",
            {name: [sys.executable, "-m", "inference_worker", name, *kind] for name in names},
            _SERVICE_POLICY if self._is_service else _COMMAND_POLICY,
            env=self._env | ({SHARED_FOLDER: str(self.worker_metrics)} if self._is_service else {}),
            log=self._log,
            start=self._start,
        )
        # Workers load their model while the first file is opened.
        self._workers.step()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._exit:
            self._ingestors.stop()
            self._workers.stop()
            self._claims.release()

    def submit(self, run_id: str, run_pk: int) -> None:
        """Queue a run that was enqueued under this stack's claim."""
        self._ingestors.submit(run_id)
        self._claims.add(run_id, run_pk)

    @property
    def workers(self) -> int:
        """Number of workers."""
        return self._worker_count

    @property
    def ingestors(self) -> int:
        """Number of recordings that are published at a time."""
        return self._ingestor_count

    @property
    def env(self) -> Mapping[str, str]:
        """The environment of the children; it holds the broker's URL."""
        return self._env

    @property
    def claimant(self) -> str:
        """The name under which this stack claims runs."""
        return self._claims.claimant

    @property
    def busy(self) -> int:
        """Number of runs that are queued or being published."""
        return self._ingestors.busy

    @property
    def trouble(self) -> str:
        """Why runs cannot be published now, or ""."""
        return self._claims.trouble or self._ingestors.trouble

    def step(self, timeout_s: float) -> None:
        """Keep all processes running, assign runs, and wait up to `timeout_s` for progress.

        Raises MoodlineError if the workers of a command keep crashing.
        """
        raise_pending_interrupt()
        for ended in self._claims.renew():
            if ended.taken_over:
                log.warning("run lost", run=ended.run_id, reason="another process claimed it")
                self._ingestors.abort(ended.run_id)
            else:
                self._ingestors.withdraw(ended.run_id)
        self._keep_broker()
        self._workers.step()
        if self._workers.gave_up:
            last_line = last_log_lines(self._log) if self._log else ""
            raise MoodlineError(
                f"workers keep crashing: {last_line or 'no message'}",
                hint="`moodline doctor` checks the installation",
            )
        self._ingestors.step(timeout_s)

    def note_progress(self) -> None:
        """Frames were committed: earlier crashes of workers no longer count."""
        self._workers.note_progress()

    def _keep_broker(self) -> None:
        if self._broker is None or self._broker.is_alive():
            return
        log.warning("the embedded broker died; restarting it")
        try:
            self._broker.restart()
        except BrokerError as exc:
            if not self._is_service:
                raise
            log.error("cannot start the broker", reason=exc.line())


def _child_environment(settings: Settings, broker_url: str) -> dict[str, str]:
    """Return this process's environment with the broker and database that it uses."""
    own = {
        "MOODLINE_REDIS_URL": broker_url,
        "MOODLINE_DATABASE_URL": settings.effective_database_url,
    }
    return os.environ | own | ONE_THREAD
