"""The all-in-one stack of one command: a broker, ingestors, workers, and their supervision."""

import os
import selectors
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from broker.bus import Bus
from broker.embedded import EmbeddedBroker, runtime_folder
from contracts.errors import BrokerError, MoodlineError
from contracts.settings import Settings
from ingest.files.progress_reports import News
from ingest.metrics import IngestMetrics
from moodline.stack.claims import Claims, Gone
from runtime.backoff import Backoff
from runtime.children import end_of_log, start_child, stop_child
from runtime.stop_signal import raise_if_asked

log = structlog.get_logger()

_MAX_INGEST_CRASHES: Final = 3
_AFTER_CRASH_S: Final = 1.0
_SILENT_STALLS: Final = 2
_MAX_IDLE_WORKER_CRASHES: Final = 8
_WELL_S: Final = 30.0
"""A worker that lives so long was started well."""


@dataclass(slots=True)
class _Ingestor:
    """One ingest process, and the run that it is busy with."""

    process: "subprocess.Popen[str]"
    run_id: str = ""
    heard_at: float = 0.0
    unread: bytes = b""

    def news(self) -> list[News] | None:
        """What it said since; None once it has closed its end. Call when it can be read."""
        assert self.process.stdout is not None
        found = os.read(self.process.stdout.fileno(), 65536)
        if not found:
            return None
        self.heard_at = time.monotonic()
        *lines, self.unread = (self.unread + found).split(b"\n")
        return [News.decode(line.decode()) for line in lines]


@dataclass(frozen=True, slots=True)
class _Crashes:
    """How often in a row the decoder crashed while the run stood at `next_seq`."""

    times: int = 0
    next_seq: int = 0


class Stack:
    """Works through submitted runs with this host's processes.

    A context manager; `step` does one turn of supervision and returns soon. Start it from the
    main thread: its children die with that thread. `trouble` says what keeps it from working
    now, or "". With metrics it is a service, whose children log where it does.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        *,
        workers: int,
        ingestors: int,
        metrics: IngestMetrics | None = None,
    ) -> None:
        self._is_service = metrics is not None
        self._metrics = metrics or IngestMetrics(CollectorRegistry())
        self._settings = settings
        self._worker_count = workers
        self._ingestor_count = ingestors
        self._claims = Claims(engine, settings.lease_s)
        self._queue: deque[str] = deque()
        self._later: dict[str, float] = {}
        self._ingest_crashes: dict[str, _Crashes] = {}
        self._worker_crashes = 0
        self._pauses: dict[str, Backoff] = {}
        self._start_at: dict[str, float] = {}
        self._ingestors: list[_Ingestor] = []
        self._workers: dict[str, subprocess.Popen[str]] = {}
        self._broker: EmbeddedBroker | None = None
        self._troubles: dict[str, str] = {}
        self._exit = ExitStack()
        self._folder = Path()

    @property
    def _log(self) -> Path | None:
        """Where the children log to; a service's log where it does itself."""
        return None if self._is_service else self._folder / "children.log"

    def __enter__(self) -> Self:
        url = self._settings.redis_url
        if url:
            Bus.connect(url).close()
            self._folder = runtime_folder()
            self._exit.callback(shutil.rmtree, self._folder, ignore_errors=True)
        else:
            self._broker = self._exit.enter_context(EmbeddedBroker())
            url, self._folder = self._broker.url, self._broker.folder
        self._env = _child_environment(self._settings, url)
        if self._is_service:
            self._env.setdefault("MOODLINE_LOG_LEVEL", "INFO")
        # Workers load their model while the first file is opened.
        self._keep_workers()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._exit:
            for ingestor in self._ingestors:
                stop_child(ingestor.process)
            for worker in self._workers.values():
                stop_child(worker)
            self._claims.release()

    def submit(self, run_id: str, run_pk: int) -> None:
        """Queue a run that was enqueued under this stack's claim."""
        self._queue.append(run_id)
        self._claims.add(run_id, run_pk)

    @property
    def workers(self) -> int:
        """How many workers it keeps."""
        return self._worker_count

    @property
    def ingestors(self) -> int:
        """How many recordings it publishes at a time."""
        return self._ingestor_count

    @property
    def env(self) -> Mapping[str, str]:
        """The environment of its children, which says where the broker is."""
        return self._env

    @property
    def claimant(self) -> str:
        """Under which name runs are claimed for this stack."""
        return self._claims.claimant

    @property
    def busy(self) -> int:
        """Runs that are queued or being published."""
        publishing = sum(bool(one.run_id) for one in self._ingestors)
        return len(self._queue) + len(self._later) + publishing

    @property
    def trouble(self) -> str:
        """What keeps runs from being published now, or ""."""
        return self._claims.trouble or next(filter(None, self._troubles.values()), "")

    def step(self, timeout_s: float) -> None:
        """Keep everything running, hand out work, and wait for news that long at most."""
        raise_if_asked()
        for gone in self._claims.renew():
            self._drop(gone)
        if self._broker is not None and not self._broker.is_alive():
            log.warning("the embedded broker died; starting it again")
            try:
                self._broker.restart()
            except BrokerError as exc:
                if not self._is_service:
                    raise
                log.error("cannot start the broker", reason=exc.line())
        self._keep_workers()
        self._hand_out()
        self._end_silent()
        self._listen(timeout_s)

    def _drop(self, gone: Gone) -> None:
        """Leave a run that has ended, or that another took while this process was away."""
        self._later.pop(gone.run_id, None)
        if gone.run_id in self._queue:
            self._queue.remove(gone.run_id)
        if not gone.lost:
            return
        log.warning("run lost", run=gone.run_id, reason="another process claimed it")
        for ingestor in self._ingestors:
            if ingestor.run_id == gone.run_id:
                self._ingestors.remove(ingestor)
                stop_child(ingestor.process)
                break

    def _keep_workers(self) -> None:
        for name, worker in list(self._workers.items()):
            if worker.poll() is not None:
                self._worker_crashes += 1
                pause_s = self._pauses.setdefault(name, Backoff()).next_pause_s()
                self._start_at[name] = time.monotonic() + (pause_s if self._is_service else 0.0)
                log.warning("worker ended", worker=name, status=worker.returncode)
                del self._workers[name]
        if self._worker_crashes > _MAX_IDLE_WORKER_CRASHES and not self._is_service:
            raise MoodlineError(
                f"workers keep crashing: {self._last_words or 'no message'}",
                hint="`moodline doctor` checks the installation",
            )
        for number in range(self._worker_count):
            # A lasting name: a worker that died finds its own lease, and need not wait for it.
            name = f"{self.claimant}/{number}"
            if name in self._workers:
                if time.monotonic() > self._start_at.get(name, 0.0) + _WELL_S:
                    self._pauses.pop(name, None)
            elif time.monotonic() >= self._start_at.get(name, 0.0):
                self._start_at[name] = time.monotonic()
                self._workers[name] = start_child(
                    [sys.executable, "-m", "inference_worker", name], env=self._env, log=self._log
                )

    @property
    def _last_words(self) -> str:
        return end_of_log(self._log) if self._log else ""

    def note_progress(self) -> None:
        """Frames were committed: the workers' crashes before that were overcome."""
        self._worker_crashes = 0

    def _hand_out(self) -> None:
        for run_id, at in list(self._later.items()):
            if time.monotonic() >= at:
                del self._later[run_id]
                self._queue.append(run_id)
        while self._queue:
            idle = next((one for one in self._ingestors if not one.run_id), None)
            if idle is None:
                if len(self._ingestors) >= self._ingestor_count:
                    return
                process = start_child(
                    [sys.executable, "-m", "ingest.files.process"],
                    env=self._env,
                    log=self._log,
                    piped=True,
                )
                idle = _Ingestor(process)
                self._ingestors.append(idle)
            idle.run_id, idle.heard_at = self._queue.popleft(), time.monotonic()
            try:
                assert idle.process.stdin is not None
                idle.process.stdin.write(f"{idle.run_id}\n")
                idle.process.stdin.flush()
                self._troubles.pop(idle.run_id, None)
            except BrokenPipeError:
                self._note_ingest_crash(idle)

    def _listen(self, timeout_s: float) -> None:
        """Wait for ingestors' answers; a closed pipe is a crash."""
        if not self._ingestors:
            time.sleep(timeout_s)
            return
        with selectors.DefaultSelector() as selector:
            for ingestor in self._ingestors:
                assert ingestor.process.stdout is not None
                selector.register(ingestor.process.stdout, selectors.EVENT_READ, ingestor)
            ready = [key.data for key, _ in selector.select(timeout_s)]
        for ingestor in ready:
            told = ingestor.news()
            if told is None:
                self._note_ingest_crash(ingestor)
            for news in told or ():
                self._note_news(ingestor, news)

    def _note_news(self, ingestor: _Ingestor, news: News) -> None:
        self._metrics.frames.inc(news.frames)
        self._metrics.bytes.inc(news.bytes)
        self._troubles[news.run_id] = news.trouble
        if not news.ended:
            return
        ingestor.run_id = ""
        del self._troubles[news.run_id]
        self._metrics.runs.labels("failed" if news.error else "published").inc()
        self._ingest_crashes.pop(news.run_id, None)
        if news.error:
            self._claims.fail(news.run_id, news.error)  # Unless it has ended the run itself.
        else:
            self._claims.drop(news.run_id)

    def _note_ingest_crash(self, ingestor: _Ingestor) -> None:
        self._ingestors.remove(ingestor)
        stop_child(ingestor.process)
        log.warning("ingestor crashed", run=ingestor.run_id, status=ingestor.process.returncode)
        self._metrics.crashes.inc()
        self._troubles.pop(ingestor.run_id, None)
        if ingestor.run_id:
            self._try_again(ingestor.run_id)

    def _try_again(self, run_id: str) -> None:
        """Publish the run again, unless it crashed before at the same place."""
        if run_id not in self._claims:
            return
        crashed = self._ingest_crashes.get(run_id, _Crashes())
        next_seq = self._claims.position(run_id)
        if next_seq is not None:
            crashed = _Crashes(crashed.times + 1 if next_seq == crashed.next_seq else 1, next_seq)
            self._ingest_crashes[run_id] = crashed
        if crashed.times >= _MAX_INGEST_CRASHES:
            self._metrics.runs.labels("failed").inc()
            self._claims.fail(run_id, "the decoder crashed on this file, or was stuck")
        else:
            # Not at once: what it did publish is to be committed first.
            self._later[run_id] = time.monotonic() + _AFTER_CRASH_S

    def _end_silent(self) -> None:
        """Kill the ingestors that say nothing, as a process does that is stopped."""
        silent_since = time.monotonic() - _SILENT_STALLS * self._settings.stall_s
        for ingestor in self._ingestors:
            if ingestor.run_id and ingestor.heard_at < silent_since:
                log.warning("ingestor is silent", run=ingestor.run_id)
                ingestor.process.kill()
                ingestor.heard_at = time.monotonic()


def _child_environment(settings: Settings, broker_url: str) -> dict[str, str]:
    """This process's environment, with the settings that it settled on."""
    return os.environ | {
        "MOODLINE_REDIS_URL": broker_url,
        "MOODLINE_DATABASE_URL": settings.effective_database_url,
        # One thread a process: the processes are the parallelism.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
