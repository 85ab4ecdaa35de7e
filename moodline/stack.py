"""The all-in-one stack of one command: a broker, ingestors, workers, and their supervision."""

import json
import os
import selectors
import shutil
import subprocess
import sys
import time
from collections import Counter, deque
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import structlog
from sqlalchemy import Engine

from contracts.bus import Bus
from contracts.errors import MoodlineError
from contracts.jobs import claimant_name, fail_run, release_claims, renew_claims
from contracts.settings import Settings
from moodline.broker import EmbeddedBroker, runtime_folder
from moodline.children import end_of_log, start_child, stop_child
from moodline.interrupts import raise_if_asked

log = structlog.get_logger()

_RENEW_EVERY: Final = 4  # Claims are renewed that many times within their lease.
_MAX_INGEST_CRASHES: Final = 2
_MAX_IDLE_WORKER_CRASHES: Final = 8


@dataclass(slots=True)
class _Ingestor:
    """One ingest process, and the run that it is busy with."""

    process: "subprocess.Popen[str]"
    run_id: str = ""


class Stack:
    """Works through submitted runs with this host's processes.

    A context manager; `step` does one turn of supervision and returns soon. Start it from the
    main thread: its children die with that thread.
    """

    def __init__(self, settings: Settings, engine: Engine, *, workers: int, ingestors: int) -> None:
        self._settings = settings
        self._engine = engine
        self._worker_count = workers
        self._ingestor_count = ingestors
        self.claimant = claimant_name()
        self._queue: deque[str] = deque()
        self._run_pks: dict[str, int] = {}
        self._ingest_crashes: Counter[str] = Counter()
        self._worker_crashes = 0
        self._ingestors: list[_Ingestor] = []
        self._workers: dict[str, subprocess.Popen[str]] = {}
        self._broker: EmbeddedBroker | None = None
        self._next_renewal = 0.0
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        url = self._settings.redis_url
        if url:
            Bus.connect(url).close()
            folder = runtime_folder()
            self._exit.callback(shutil.rmtree, folder, ignore_errors=True)
        else:
            self._broker = self._exit.enter_context(EmbeddedBroker())
            url, folder = self._broker.url, self._broker.folder
        self._log = folder / "children.log"
        self._env = _child_environment(self._settings, url)
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
            with self._engine.begin() as connection:
                release_claims(connection, claimant=self.claimant)

    def submit(self, run_id: str, run_pk: int) -> None:
        """Queue a run that was enqueued under this stack's claim."""
        self._queue.append(run_id)
        self._run_pks[run_id] = run_pk

    @property
    def busy(self) -> int:
        """Runs that are queued or being published."""
        return len(self._queue) + sum(bool(one.run_id) for one in self._ingestors)

    def step(self, timeout_s: float) -> None:
        """Keep everything running, hand out work, and wait for news that long at most."""
        raise_if_asked()
        self._renew()
        if self._broker is not None and not self._broker.is_alive():
            log.warning("the embedded broker died; starting it again")
            self._broker.start()
        self._keep_workers()
        self._hand_out()
        self._listen(timeout_s)

    def _renew(self) -> None:
        if time.monotonic() < self._next_renewal or not self._run_pks:
            return
        lease_s = self._settings.lease_s
        with self._engine.begin() as connection:
            run_pks = list(self._run_pks.values())
            renew_claims(connection, run_pks, claimant=self.claimant, lease_s=lease_s)
        self._next_renewal = time.monotonic() + lease_s / _RENEW_EVERY

    def _keep_workers(self) -> None:
        for name, worker in list(self._workers.items()):
            if worker.poll() is not None:
                self._worker_crashes += 1
                log.warning("worker ended", worker=name, status=worker.returncode)
                del self._workers[name]
        if self._worker_crashes > _MAX_IDLE_WORKER_CRASHES:
            raise MoodlineError(
                f"workers keep crashing: {end_of_log(self._log) or 'no message'}",
                hint="`moodline doctor` checks the installation",
            )
        for number in range(self._worker_count):
            # A lasting name: a worker that died finds its own lease, and need not wait for it.
            name = f"{self.claimant}/{number}"
            if name not in self._workers:
                self._workers[name] = start_child(
                    [sys.executable, "-m", "inference_worker", name], env=self._env, log=self._log
                )

    def note_progress(self, run_id: str) -> None:
        """Frames of a run were committed: crashes before that were overcome."""
        self._worker_crashes = 0
        self._ingest_crashes[run_id] = 0

    def _hand_out(self) -> None:
        while self._queue:
            idle = next((one for one in self._ingestors if not one.run_id), None)
            if idle is None:
                if len(self._ingestors) >= self._ingestor_count:
                    return
                process = start_child(
                    [sys.executable, "-m", "ingest"], env=self._env, log=self._log, piped=True
                )
                idle = _Ingestor(process)
                self._ingestors.append(idle)
            idle.run_id = self._queue.popleft()
            try:
                assert idle.process.stdin is not None
                idle.process.stdin.write(f"{idle.run_id}\n")
                idle.process.stdin.flush()
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
            answer = ingestor.process.stdout.readline()
            if answer:
                self._note_answer(ingestor, json.loads(answer))
            else:
                self._note_ingest_crash(ingestor)

    def _note_answer(self, ingestor: _Ingestor, answer: dict[str, str]) -> None:
        ingestor.run_id = ""
        if answer["error"]:
            # A source's own fault has ended the run already; what is left may pass.
            self._try_again(answer["run_id"], answer["error"])
        else:
            self._run_pks.pop(answer["run_id"], None)

    def _note_ingest_crash(self, ingestor: _Ingestor) -> None:
        self._ingestors.remove(ingestor)
        stop_child(ingestor.process)
        log.warning("ingestor crashed", run=ingestor.run_id, status=ingestor.process.returncode)
        if ingestor.run_id:
            self._try_again(ingestor.run_id, "the decoder crashed on this file")

    def _try_again(self, run_id: str, reason: str) -> None:
        self._ingest_crashes[run_id] += 1
        if self._ingest_crashes[run_id] >= _MAX_INGEST_CRASHES:
            fail_run(self._engine, run_id, reason)
            self._run_pks.pop(run_id, None)
        else:
            self._queue.append(run_id)


def _child_environment(settings: Settings, broker_url: str) -> dict[str, str]:
    """This process's environment, with the settings that it settled on."""
    return os.environ | {
        "MOODLINE_REDIS_URL": broker_url,
        "MOODLINE_DATABASE_URL": settings.effective_database_url,
        # One thread a process: the processes are the parallelism.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
