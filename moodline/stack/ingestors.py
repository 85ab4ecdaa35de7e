"""The ingest processes of a stack: they publish queued recordings, one run each at a time."""

import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from ingest.files.progress_reports import SHARES_MEMORY, ProgressReport, PublishRun
from ingest.metrics import IngestMetrics
from moodline.stack.claims import Claims
from runtime.pipes import MessageReader, readable, send
from runtime.processes.children import StartChild, start_child, stop_child

log = structlog.get_logger()

_MAX_CRASHES: Final = 3
_RETRY_AFTER_S: Final = 1.0
_SILENT_STALLS: Final = 2


@dataclass(slots=True)
class _Ingestor:
    """One ingest process. run_id: the run that it publishes, or ""."""

    process: "subprocess.Popen[bytes]"
    reports: MessageReader[ProgressReport]
    run_id: str = ""
    active_at: float = 0.0


@dataclass(frozen=True, slots=True)
class _Crashes:
    """The number of consecutive crashes of the ingestor at the run's position `next_seq`."""

    count: int = 0
    next_seq: int = 0


class Ingestors:
    """Publishes queued runs with at most `limit` processes, and retries a run after a crash.

    env, log: as for `runtime.processes.children.start_child`. shares_memory: whether all workers
    are on this host, as this process is. start: starts a process; None: `start_child`. Call it
    from the main thread only.
    """

    def __init__(  # noqa: PLR0913  (the settings of the processes)
        self,
        claims: Claims,
        metrics: IngestMetrics,
        *,
        limit: int,
        stall_s: float,
        env: Mapping[str, str],
        log: Path | None,
        shares_memory: bool,
        start: StartChild | None = None,
    ) -> None:
        self._start_child = start
        self._claims = claims
        self._metrics = metrics
        self._limit = limit
        self._stall_s = stall_s
        self._env = env
        self._log = log
        self._command = [sys.executable, "-m", "ingest.files.process"]
        if shares_memory:
            self._command.append(SHARES_MEMORY)
        self._ingestors: list[_Ingestor] = []
        self._queue: deque[str] = deque()
        self._retry_at: dict[str, float] = {}
        self._crashes: dict[str, _Crashes] = {}
        self._troubles: dict[str, str] = {}

    @property
    def busy(self) -> int:
        """Number of runs that are queued or being published."""
        publishing = sum(bool(one.run_id) for one in self._ingestors)
        return len(self._queue) + len(self._retry_at) + publishing

    @property
    def trouble(self) -> str:
        """Why a run cannot be published now, or ""."""
        return next(filter(None, self._troubles.values()), "")

    def submit(self, run_id: str) -> None:
        """Queue a run that this stack has claimed."""
        self._queue.append(run_id)

    def withdraw(self, run_id: str) -> None:
        """Remove a run that has ended from the queue."""
        self._retry_at.pop(run_id, None)
        if run_id in self._queue:
            self._queue.remove(run_id)

    def abort(self, run_id: str) -> None:
        """Stop publishing a run that another process has claimed."""
        self.withdraw(run_id)
        for ingestor in self._ingestors:
            if ingestor.run_id == run_id:
                self._ingestors.remove(ingestor)
                stop_child(ingestor.process)
                break

    def step(self, timeout_s: float) -> None:
        """Assign runs to idle processes, and wait up to `timeout_s` for progress reports."""
        self._assign()
        self._kill_silent()
        self._receive(timeout_s)

    def stop(self) -> None:
        """Stop all processes."""
        for ingestor in self._ingestors:
            stop_child(ingestor.process)

    def _assign(self) -> None:
        for run_id, at in list(self._retry_at.items()):
            if time.monotonic() >= at:
                del self._retry_at[run_id]
                self._queue.append(run_id)
        while self._queue:
            idle = next((one for one in self._ingestors if not one.run_id), None)
            if idle is None:
                if len(self._ingestors) >= self._limit:
                    return
                idle = self._start()
            idle.run_id, idle.active_at = self._queue.popleft(), time.monotonic()
            assert idle.process.stdin is not None
            try:
                order = PublishRun(idle.run_id, singly=idle.run_id in self._crashes)
                send(idle.process.stdin.fileno(), order)
                self._troubles.pop(idle.run_id, None)
            except BrokenPipeError:
                self._note_crash(idle)

    def _start(self) -> _Ingestor:
        process = (self._start_child or start_child)(
            self._command,
            env=self._env,
            log=self._log,
            piped=True,
        )
        assert process.stdout is not None
        ingestor = _Ingestor(process, MessageReader(process.stdout.fileno(), ProgressReport))
        self._ingestors.append(ingestor)
        return ingestor

    def _receive(self, timeout_s: float) -> None:
        """Wait for progress reports; a closed pipe means that the process crashed."""
        if not self._ingestors:
            time.sleep(timeout_s)
            return
        by_pipe = {one.reports.fileno(): one for one in self._ingestors}
        for reader in readable([one.reports for one in self._ingestors], timeout_s):
            ingestor = by_pipe[reader.fileno()]
            reports = reader.read()
            if reports:
                ingestor.active_at = time.monotonic()
            for report in reports:
                self._note_report(ingestor, report)
            if reader.ended:
                self._note_crash(ingestor)

    def _note_report(self, ingestor: _Ingestor, report: ProgressReport) -> None:
        self._metrics.frames.inc(report.frames)
        self._metrics.bytes.inc(report.bytes)
        self._troubles[report.run_id] = report.trouble
        if not report.ended:
            return
        ingestor.run_id = ""
        del self._troubles[report.run_id]
        self._metrics.runs.labels("failed" if report.error else "published").inc()
        self._crashes.pop(report.run_id, None)
        if report.error:
            # Only has an effect if the ingestor could not end the run itself.
            self._claims.fail(report.run_id, report.error)
        else:
            self._claims.drop(report.run_id)

    def _note_crash(self, ingestor: _Ingestor) -> None:
        self._ingestors.remove(ingestor)
        stop_child(ingestor.process)
        log.warning("ingestor crashed", run=ingestor.run_id, status=ingestor.process.returncode)
        self._metrics.crashes.inc()
        self._troubles.pop(ingestor.run_id, None)
        if ingestor.run_id in self._claims:
            self._retry(ingestor.run_id)

    def _retry(self, run_id: str) -> None:
        """Publish the run again, unless the ingestor keeps crashing at the same frame."""
        crashes = self._crashes.get(run_id, _Crashes())
        next_seq = self._claims.position(run_id)
        if next_seq is not None:
            crashes = _Crashes(crashes.count + 1 if next_seq == crashes.next_seq else 1, next_seq)
            self._crashes[run_id] = crashes
        if crashes.count >= _MAX_CRASHES:
            self._metrics.runs.labels("failed").inc()
            self._claims.fail(run_id, "the decoder crashed on this file, or was stuck")
        else:
            # Not at once: the workers first commit what was published.
            self._retry_at[run_id] = time.monotonic() + _RETRY_AFTER_S

    def _kill_silent(self) -> None:
        """Kill the processes that have stopped reporting, such as a frozen one."""
        silent_since = time.monotonic() - _SILENT_STALLS * self._stall_s
        for ingestor in self._ingestors:
            if ingestor.run_id and ingestor.active_at < silent_since:
                log.warning("ingestor is silent", run=ingestor.run_id)
                ingestor.process.kill()
                ingestor.active_at = time.monotonic()
