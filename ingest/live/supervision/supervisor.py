"""The supervisor of the live sources: keeps one process for each, and records their states.

It reads the sources' records twice a second, so that a change takes effect at once and affects no
other source. It keeps running while the broker or the database is away.
"""

import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

import structlog
from sqlalchemy import Engine

from contracts.analysis_spec import AnalysisSpec
from contracts.errors import BrokerError, DatabaseError, ModelError
from contracts.live_sources import LiveSource, LiveState
from contracts.settings import Settings
from ingest.live.clock import LiveClock
from ingest.live.orphaned_runs import end_orphaned_runs
from ingest.live.run_stream import LiveClaim
from ingest.live.supervision.heartbeats import SourceHeartbeats
from ingest.live.supervision.interval_log import IntervalLog
from ingest.live.supervision.status_reports import ProcessEnded, SourceStatus
from ingest.live.supervision.supervised_source import SourceProcess, SupervisedSource
from ingest.live.supervision.template_client import TemplateClient
from records.sources.claims import SupervisorIdentity, claim_sources, release_sources
from records.sources.live_sources import pause_source
from runtime.process_identity import claimant_name
from runtime.processes.supervisor import RestartPolicy, RestartTimer

log = structlog.get_logger()

_READ_RECORDS_S: Final = 0.5
_HEARTBEAT_S: Final = 1.0
_WRITE_S: Final = 5.0
_END_ORPHANS_S: Final = 1.0
_STOP_S: Final = 3.0
_SILENT_S: Final = 10.0
_TEMPLATE_START_S: Final = 10.0
_RENEWALS_A_LEASE: Final = 4
_TEMPLATE_POLICY: Final = RestartPolicy(backs_off=False, min_interval_s=2.0)


class SourceSupervisor:
    """Keeps a process for each live source that this host has claimed; a context manager.

    Start it from the main thread; call `step`, which returns soon, in a loop. env: environment of
    the processes. spec_of: returns what a source's runs are pinned to, or raises ModelError.
    trouble: why the records cannot be read or written, or "".
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        env: Mapping[str, str],
        spec_of: Callable[[LiveSource], AnalysisSpec],
    ) -> None:
        self.trouble = ""
        self._settings = settings
        self._engine = engine
        self._spec_of = spec_of
        self._template = TemplateClient(env)
        self._template_timer = RestartTimer(_TEMPLATE_POLICY)
        self._claimant = SupervisorIdentity(claimant_name(), socket.gethostname(), settings.lease_s)
        self._sources: dict[int, SupervisedSource] = {}
        self._intervals = IntervalLog(engine)
        self._heartbeats = SourceHeartbeats(env["MOODLINE_REDIS_URL"], engine)
        self._due: dict[str, float] = {}
        self._clock, self._clock_steps = LiveClock(), 0

    def __enter__(self) -> Self:
        self._template.open()
        self._template_timer.note_start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._heartbeats.close()

    def stop(self) -> None:
        """Stop all processes, which account for their frames, and release the sources."""
        self._template.close()
        if not self._sources:
            return
        self._write_intervals()
        self._heartbeats.remove(one.source.name for one in self._sources.values())
        with suppress(DatabaseError):
            release_sources(self._engine, self._claimant.name)
        self._sources.clear()

    def step(self) -> None:
        """Do what is due: read records, start and stop processes, report and write states."""
        self._follow_clock()
        self._receive()
        if not self._template.is_running:
            self._restart_template()
        if self._is_due("records", _READ_RECORDS_S):
            self._read_records()
        for one in list(self._sources.values()):
            self._keep_process(one)
        if self._is_due("heartbeats", _HEARTBEAT_S):
            self._send_heartbeats()
        if self._is_due("intervals", _WRITE_S):
            self._write_intervals()
        if self._is_due("orphans", _END_ORPHANS_S):
            self._end_orphans()

    def _is_due(self, task: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(task, 0.0):
            return False
        self._due[task] = now + every_s
        return True

    # -- records ------------------------------------------------------------------------

    def _read_records(self) -> None:
        renew = self._is_due("renewal", self._settings.lease_s / _RENEWALS_A_LEASE)
        try:
            sources = claim_sources(self._engine, self._claimant, renew=renew)
        except DatabaseError as exc:
            # The known sources keep running.
            self.trouble = exc.line()
            self._due["renewal"] = 0.0
            return
        self.trouble = ""
        for source in sources:
            if source.pk not in self._sources:
                self._sources[source.pk] = SupervisedSource.connecting(source)
                log.info("source claimed", source=source.name)
            if (before := self._sources[source.pk].source.name) != source.name:
                self._heartbeats.remove([before])
            if self._sources[source.pk].update(source):
                log.info("source changed", source=source.name)
        claimed = {source.pk for source in sources}
        for pk, one in list(self._sources.items()):
            if pk not in claimed:
                self._let_go(pk, one)

    def _let_go(self, pk: int, one: SupervisedSource) -> None:
        """Forget a source that was removed or that another supervisor has claimed."""
        one.leaving = True
        if one.process is not None:
            self._stop_process(one)
            return  # Until its process has ended.
        log.info("source released", source=one.source.name)
        self._note_interval(one)
        del self._sources[pk]
        self._heartbeats.remove([one.source.name])

    # -- processes ----------------------------------------------------------------------

    def _keep_process(self, one: SupervisedSource) -> None:
        """Start or stop the source's process as its current record requires."""
        process, now = one.process, time.monotonic()
        if process is not None:
            if process.stopping_at is not None:
                if now > process.stopping_at + _STOP_S:
                    self._template.kill(process.name)
            elif one.source.paused or process.revision != one.source.revision:
                self._stop_process(one)
            elif one.is_silent(_SILENT_S):
                log.warning("source process is silent", source=one.source.name)
                self._template.kill(process.name)
                process.reported_at = now
        elif one.leaving:
            return
        elif one.source.paused:
            if one.status.state is not LiveState.PAUSED:
                self._change_state(one, LiveState.PAUSED, "paused by its owner")
        elif one.timer.is_due:
            self._start_process(one)

    def _start_process(self, one: SupervisedSource) -> None:
        try:
            spec = self._spec_of(one.source)
        except ModelError as exc:
            self._change_state(one, LiveState.FAILED, exc.line())
            one.timer.note_failed_start()
            return
        self._template.start(one.source.name, spec)
        one.timer.note_start()
        # The first process also waits for the template to be ready.
        one.process = SourceProcess(
            one.source.name, one.source.revision, reported_at=time.monotonic() + _TEMPLATE_START_S
        )
        if one.status.state in (LiveState.PAUSED, LiveState.STREAMING):
            # The state before an edit no longer holds; show that at once.
            self._change_state(one, LiveState.CONNECTING, "")
            self._due["heartbeats"] = 0.0

    def _stop_process(self, one: SupervisedSource) -> None:
        """Ask the process to end; it first accounts for its last frame."""
        assert one.process is not None
        if one.process.stopping_at is None:
            one.process.stopping_at = time.monotonic()
            self._template.stop(one.process.name)

    def _receive(self) -> None:
        by_name = {one.process.name: one for one in self._sources.values() if one.process}
        for report in self._template.reports():
            one = by_name.get(report.source)
            if one is None or one.process is None:
                continue
            if isinstance(report, ProcessEnded):
                self._note_end(one, one.process, report.status)
            else:
                self._note_status(one, one.process, report)

    def _note_status(
        self, one: SupervisedSource, process: SourceProcess, status: SourceStatus
    ) -> None:
        process.reported_at = time.monotonic()
        process.ended |= status.ended
        if status.state is not one.status.state:
            self._note_interval(one)
        one.status = replace(status, source=one.source.name)

    def _note_end(self, one: SupervisedSource, process: SourceProcess, status: int) -> None:
        """The process ended: it was asked to, its file is over, or it crashed."""
        one.process = None
        if process.stopping_at is not None:
            return
        if process.ended:
            log.info("file is over", source=one.source.name)
            self._change_state(one, LiveState.PAUSED, "its file is over")
            one.source = replace(one.source, paused=True)
            with suppress(DatabaseError):
                pause_source(self._engine, one.source.name, paused=True)
            return
        log.warning("source process died", source=one.source.name, status=status)
        self._note_interval(one)
        one.note_death(status)

    def _restart_template(self) -> None:
        """The template died, and all of its processes with it."""
        if not self._template_timer.is_due:
            return
        log.warning("the template of the source processes died; restarting it")
        for one in self._sources.values():
            if one.process is not None:
                self._note_end(one, one.process, -signal.SIGKILL)
        self._template.open()
        self._template_timer.note_start()

    # -- states -------------------------------------------------------------------------

    def _follow_clock(self) -> None:
        """Start new intervals after a step of the wall clock; the time skipped counts nowhere."""
        now, steps = self._clock.captured_at(), self._clock_steps
        self._clock_steps = self._clock.steps
        if self._clock_steps != steps:
            for one in self._sources.values():
                one.status = replace(one.status, since=now)
            # By the next write, each process has reported its new interval.
            self._due["intervals"] = time.monotonic() + _WRITE_S

    def _change_state(self, one: SupervisedSource, state: LiveState, reason: str) -> None:
        self._note_interval(one)
        one.note_state(state, reason)

    def _note_interval(self, one: SupervisedSource) -> None:
        self._intervals.note(one)
        self._due["intervals"] = 0.0

    def _write_intervals(self) -> None:
        for one in self._sources.values():
            self._intervals.note(one)
        self._due["intervals"] = time.monotonic() + _WRITE_S
        try:
            self._intervals.write()
        except DatabaseError as exc:
            self.trouble = exc.line()

    def _send_heartbeats(self) -> None:
        try:
            self._heartbeats.send(one.status for one in self._sources.values())
        except (BrokerError, DatabaseError) as exc:
            log.warning("cannot send the sources' heartbeats", reason=exc.line())
            self._due["heartbeats"] = time.monotonic() + 2 * _HEARTBEAT_S

    def _end_orphans(self) -> None:
        claim = LiveClaim(self._claimant.name, self._settings.lease_s)
        counts_folder = self._settings.home_path / "live"
        try:
            end_orphaned_runs(self._engine, self._heartbeats.bus(), claim, counts_folder)
        except (BrokerError, DatabaseError) as exc:
            log.warning("cannot end the runs of dead processes", reason=exc.line())
            self._due["orphans"] = time.monotonic() + 4 * _END_ORPHANS_S
