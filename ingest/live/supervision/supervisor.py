"""Watches over the live sources: a process each, as their records say, and what each does.

The records are read twice a second, so that what their owner changes is effective at once, and
touches no other source. Outlives broker and database.
"""

import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

import structlog
from sqlalchemy import Engine

from broker.bus import Bus
from broker.presence import Presence, SourceReport
from contracts.analysis_spec import AnalysisSpec
from contracts.errors import BrokerError, DatabaseError, ModelError
from contracts.live_sources import LiveSource, LiveState
from contracts.settings import Settings
from contracts.times import utc_now
from ingest.live.clock import LiveClock
from ingest.live.orphaned_runs import end_orphans
from ingest.live.session import LiveClaim
from ingest.live.supervision.status_reports import Exited, LiveNews
from ingest.live.supervision.template_client import Nursery
from records.sources.claims import Claimant, claim_sources, release_sources
from records.sources.intervals import IntervalNews, write_intervals
from records.sources.live_sources import pause_source
from runtime.backoff import Backoff
from runtime.process_identity import claimant_name

log = structlog.get_logger()

_LOOK_S: Final = 0.5
_TELL_S: Final = 1.0
_WRITE_S: Final = 5.0
_ALIVE_S: Final = 5.0
_ORPHANS_S: Final = 1.0
_STOP_S: Final = 3.0
_SILENT_S: Final = 10.0
_READY_S: Final = 10.0
_REOPEN_S: Final = 2.0
_WELL_S: Final = 30.0
_RENEWALS_A_LEASE: Final = 4
_MOST_UNWRITTEN: Final = 10_000


@dataclass(slots=True)
class _Child:
    """The process of one source. stopping_at: when it was asked to end."""

    revision: int
    started_at: float
    heard_at: float
    stopping_at: float | None = None
    ended: bool = False


@dataclass(slots=True)
class _Watched:
    """One source under watch: its record, its process, and what is known of it."""

    source: LiveSource
    news: LiveNews
    child: _Child | None = None
    leaving: bool = False
    backoff: Backoff = field(default_factory=Backoff)
    start_at: float = 0.0

    def note(self, state: LiveState, reason: str) -> None:
        """What the supervisor itself says of it; `since` stays while the state does."""
        since = self.news.since if self.news.state is state else utc_now().isoformat()
        self.news = LiveNews(self.source.name, state, reason, since)


class Cameras:
    """Keeps a process for each live source that is this host's; a context manager.

    `step` returns soon. Start it from the main thread. `trouble`: what keeps it from knowing the
    sources, or "".
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
        self._broker_url = env["MOODLINE_REDIS_URL"]
        self._nursery = Nursery(env)
        self._host = socket.gethostname()
        self._claimant = Claimant(claimant_name(), self._host, settings.lease_s)
        self._watched: dict[int, _Watched] = {}
        self._unwritten: deque[IntervalNews] = deque(maxlen=_MOST_UNWRITTEN)
        self._bus: Bus | None = None
        self._next: dict[str, float] = {}
        self._clock, self._steps = LiveClock(), 0

    def __enter__(self) -> Self:
        self._nursery.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._disconnect()

    def stop(self) -> None:
        """End every process: each says what it captured. Give the sources up."""
        self._nursery.close()
        if not self._watched:
            return
        self._write()
        with suppress(BrokerError, DatabaseError):
            if self._bus is not None:
                for one in self._watched.values():
                    Presence(self._bus, SourceReport).leave(one.source.name)
            release_sources(self._engine, self._claimant.name)
        self._watched.clear()

    def step(self) -> None:
        """Do what is due: read the records, keep the processes, tell and write the states."""
        self._follow_clock()
        self._hear()
        if not self._nursery.is_open:
            self._open_again()
        if self._is_due("look", _LOOK_S):
            self._look()
        for one in list(self._watched.values()):
            self._keep(one)
        if self._is_due("tell", _TELL_S):
            self._tell()
        if self._is_due("write", _WRITE_S):
            self._write()
        if self._is_due("orphans", _ORPHANS_S):
            self._end_orphans()

    def _is_due(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._next.get(what, 0.0):
            return False
        self._next[what] = now + every_s
        return True

    # -- records ------------------------------------------------------------------------

    def _look(self) -> None:
        renew = self._is_due("renew", self._settings.lease_s / _RENEWALS_A_LEASE)
        try:
            sources = claim_sources(self._engine, self._claimant, renew=renew)
        except DatabaseError as exc:
            # Those that are known go on.
            self.trouble = exc.line()
            self._next["renew"] = 0.0
            return
        self.trouble = ""
        for source in sources:
            one = self._watched.get(source.pk)
            if one is None:
                news = LiveNews(source.name, LiveState.CONNECTING, "", utc_now().isoformat())
                self._watched[source.pk] = _Watched(source, news)
                log.info("watching over", source=source.name)
            one = self._watched[source.pk]
            one.leaving = False
            if one.source.revision != source.revision:
                log.info("source changed", source=source.name)
                one.source, one.start_at, one.backoff = source, 0.0, Backoff()
        ours = {source.pk for source in sources}
        for pk, one in list(self._watched.items()):
            if pk not in ours:
                self._let_go(pk, one)

    def _let_go(self, pk: int, one: _Watched) -> None:
        """Its record is gone, or another watches over it."""
        one.leaving = True
        if one.child is not None:
            self._end(one)
            return  # Until its process has ended.
        log.info("no longer watching over", source=one.source.name)
        self._note_interval(one)
        del self._watched[pk]
        with suppress(BrokerError):
            Presence(self._broker(), SourceReport).leave(one.source.name)

    # -- processes ----------------------------------------------------------------------

    def _keep(self, one: _Watched) -> None:
        """Have a process exactly where there should be one, of today's record."""
        child, now, name = one.child, time.monotonic(), one.source.name
        if child is not None:
            if child.stopping_at is not None:
                if now > child.stopping_at + _STOP_S:
                    self._nursery.kill(name)
            elif one.source.paused or child.revision != one.source.revision:
                self._end(one)
            elif now > child.heard_at + _SILENT_S:
                log.warning("source process is silent", source=name)
                self._nursery.kill(name)
                child.heard_at = now
        elif one.leaving:
            return
        elif one.source.paused:
            if one.news.state is not LiveState.PAUSED:
                self._change(one, LiveState.PAUSED, "paused by its owner")
        elif now >= one.start_at:
            self._start(one, now)

    def _start(self, one: _Watched, now: float) -> None:
        try:
            pins = self._spec_of(one.source)
        except ModelError as exc:
            self._change(one, LiveState.FAILED, exc.line())
            one.start_at = now + one.backoff.next_pause_s()
            return
        self._nursery.start(one.source.name, pins)
        # The first to be started also waits for the template to be ready.
        one.child = _Child(one.source.revision, started_at=now, heard_at=now + _READY_S)
        if one.news.state in (LiveState.PAUSED, LiveState.STREAMING):
            # What it did before an edit, it does no more: told at once.
            self._change(one, LiveState.CONNECTING, "")
            self._next["tell"] = 0.0

    def _end(self, one: _Watched) -> None:
        """Ask its process to end; it says that it was the last picture, and goes."""
        assert one.child is not None
        if one.child.stopping_at is None:
            one.child.stopping_at = time.monotonic()
            self._nursery.stop(one.source.name)

    def _hear(self) -> None:
        by_name = {one.source.name: one for one in self._watched.values()}
        for told in self._nursery.heard():
            one = by_name.get(told.source)
            if one is None or one.child is None:
                continue
            if isinstance(told, Exited):
                self._bury(one, one.child, told.status)
                continue
            one.child.heard_at = time.monotonic()
            one.child.ended |= told.ended
            if told.state is not one.news.state:
                self._note_interval(one)
            one.news = told

    def _bury(self, one: _Watched, child: _Child, status: int) -> None:
        """Its process has ended: as it was asked to, at the end of its file, or by a crash."""
        one.child = None
        if child.stopping_at is not None:
            return
        if child.ended:
            log.info("its file is over", source=one.source.name)
            self._change(one, LiveState.PAUSED, "its file is over")
            one.source = replace(one.source, paused=True)
            with suppress(DatabaseError):
                pause_source(self._engine, one.source.name, paused=True)
            return
        now = time.monotonic()
        if now - child.started_at > _WELL_S:
            one.backoff.reset()
        one.start_at = now + one.backoff.next_pause_s()
        log.warning("source process died", source=one.source.name, status=status)
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        self._change(one, LiveState.BACKING_OFF, f"its process {how}; it is started again")

    def _open_again(self) -> None:
        """The template died, and all of its processes with it."""
        if not self._is_due("open", _REOPEN_S):
            return
        log.warning("the template of the source processes died; starting it again")
        for one in self._watched.values():
            if one.child is not None:
                self._bury(one, one.child, -signal.SIGKILL)
        self._nursery.open()

    # -- states -------------------------------------------------------------------------

    def _follow_clock(self) -> None:
        """A step of the wall clock begins new intervals: what lies in between is nobody's."""
        now, steps = self._clock.captured_at(), self._steps
        self._steps = self._clock.steps
        if self._steps != steps:
            for one in self._watched.values():
                one.news = replace(one.news, since=now.isoformat())
            # Until then each process has told its state anew.
            self._next["write"] = time.monotonic() + _WRITE_S

    def _change(self, one: _Watched, state: LiveState, reason: str) -> None:
        self._note_interval(one)
        one.note(state, reason)

    def _note_interval(self, one: _Watched) -> None:
        """What the source did until now is to be written."""
        since = datetime.fromisoformat(one.news.since).astimezone(UTC)
        until = max(utc_now(), since)
        self._unwritten.append(
            IntervalNews(one.source.pk, one.news.state, one.news.reason, since, until)
        )
        self._next["write"] = 0.0

    def _write(self) -> None:
        for one in self._watched.values():
            self._note_interval(one)
        self._next["write"] = time.monotonic() + _WRITE_S
        if not self._unwritten:
            return
        try:
            write_intervals(self._engine, list(self._unwritten))
        except DatabaseError as exc:
            self.trouble = exc.line()
            return
        self._unwritten.clear()

    def _tell(self) -> None:
        """A heartbeat for each source, in the broker: gone when this process is."""
        try:
            presence = Presence(self._broker(), SourceReport)
            for one in self._watched.values():
                presence.report(self._report(one), alive_for_s=_ALIVE_S)
        except BrokerError as exc:
            log.warning("cannot tell the sources' states", reason=exc.line())
            self._disconnect()
            self._next["tell"] = time.monotonic() + 2 * _TELL_S

    def _report(self, one: _Watched) -> SourceReport:
        news = one.news
        return SourceReport(
            id=one.source.name,
            state=str(news.state),
            reason=news.reason,
            since=news.since,
            host=self._host,
            run_id=news.run_id,
            fps=news.fps,
            last_frame_age_s=news.last_frame_age_s,
        )

    def _end_orphans(self) -> None:
        claim = LiveClaim(self._claimant.name, self._settings.lease_s)
        try:
            end_orphans(self._engine, self._broker(), claim, self._settings.home_path / "live")
        except (BrokerError, DatabaseError) as exc:
            log.warning("cannot end the runs of dead readers", reason=exc.line())
            self._next["orphans"] = time.monotonic() + 4 * _ORPHANS_S

    def _broker(self) -> Bus:
        if self._bus is None:
            self._bus = Bus.connect(self._broker_url)
        return self._bus

    def _disconnect(self) -> None:
        if self._bus is not None:
            self._bus.close()
            self._bus = None
