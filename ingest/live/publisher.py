"""Publish one live source: its newest picture, whenever there is room; what is not, is counted."""

import itertools
import time
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Engine

from broker.bus import Bus
from broker.publishing import StreamLimits
from contracts.analysis_spec import AnalysisSpec
from contracts.errors import BrokerError, DatabaseError, RunLostError
from contracts.frames import Counters, DropCause
from contracts.live_sources import LiveSource
from ingest.live.reader import LiveFrame, LiveReader
from ingest.live.session import LiveClaim, LiveSession
from records.runs.live_runs import start_live_run

log = structlog.get_logger()

_POLL_S: Final = 0.02
_END_TRIES: Final = 3
_EVERY_FRAME_FPS: Final = 30.0
_LEAST_FRAMES: Final = 3


class LivePublisher:
    """Publishes what `reader` sees. A run begins with the first picture, and with each UTC day.

    `step` raises BrokerError and DatabaseError, and can be called again later: a picture that was
    taken is published or counted, whatever fails on the way.
    """

    def __init__(  # noqa: PLR0913, PLR0917  (its whole surroundings, once)
        self,
        engine: Engine,
        bus: Bus,
        source: LiveSource,
        pins: AnalysisSpec,
        reader: LiveReader,
        claim: LiveClaim,
        marks: Path,
    ) -> None:
        self._engine = engine
        self._bus = bus
        self._source = source
        self._pins = pins
        self._reader = reader
        self._claim = claim
        self._marks = marks
        self._session: LiveSession | None = None
        self._unsent: LiveFrame | None = None
        self._base = Counters()
        self._dropped = dict.fromkeys((DropCause.NEWEST, DropCause.BROKER_FULL), 0)
        frames = max(round(source.sampling_fps or _EVERY_FRAME_FPS), _LEAST_FRAMES)
        self._limits = StreamLimits(frames, 2**31)

    @property
    def run_id(self) -> str:
        """Of the run that is open; "" between two."""
        return self._session.run.run_id if self._session else ""

    def step(self, timeout_s: float) -> None:
        """Publish the next picture, waiting for one, or for room, that long at most."""
        try:
            if self._session is not None and not self._session.has_room():
                self._wait_for_room(self._session, timeout_s)
                return
            self._take(timeout_s)
            if self._unsent is not None:
                self._publish(self._session_of(self._unsent), self._unsent)
        except RunLostError:
            self._leave()  # The next run has what is unsent.

    def close(self) -> None:
        """End the run with all that was captured. The reader is closed. Raises nothing.

        Where the broker is away, who watches over the sources ends the run later.
        """
        self._drop_unsent(DropCause.NEWEST)
        totals = self._totals(self._reader.counters())
        for tries in itertools.count(1):
            try:
                if self._session is None and totals == self._base:
                    return
                self._end(totals)
                return
            except RunLostError:
                self._leave()  # What that one does not tell, a run of its own does.
            except (BrokerError, DatabaseError) as exc:
                log.warning("cannot end the run", run=self.run_id, reason=exc.line())
                if tries >= _END_TRIES:
                    if self._session is not None:
                        self._session.abandon()
                    return

    def _wait_for_room(self, session: LiveSession, timeout_s: float) -> None:
        """Pictures wait nowhere: in a full broker's case they are counted as its drops."""
        if not session.broker_is_full:
            time.sleep(min(_POLL_S, timeout_s))
            return
        self._take(timeout_s)
        self._drop_unsent(DropCause.BROKER_FULL)

    def _take(self, timeout_s: float) -> None:
        """The newest picture; one that waits from before gives way to it."""
        newer = self._reader.take(timeout_s if self._unsent is None else 0.0)
        if newer is not None:
            self._drop_unsent(DropCause.NEWEST)
            self._unsent = newer

    def _drop_unsent(self, cause: DropCause) -> None:
        self._dropped[cause] += self._unsent is not None
        self._unsent = None

    def _publish(self, session: LiveSession, frame: LiveFrame) -> None:
        try:
            accepted = session.publish(frame, self._totals(frame.counters))
        except BrokerError:
            self._unsent = None  # The worker will see what became of its number.
            raise
        if accepted is None:
            return
        if accepted:
            self._unsent = None
            session.note_size(frame)
        else:
            self._drop_unsent(DropCause.BROKER_FULL)

    def _session_of(self, frame: LiveFrame) -> LiveSession:
        """The run that the picture belongs to.

        A day's run ends with its last message's totals; what came since is the next one's.
        """
        day = frame.captured_at.date()
        if self._session is not None and self._session.day != day:
            self._end(self._session.last)
        if self._session is None:
            self._begin(frame)
        assert self._session is not None
        return self._session

    def _begin(self, frame: LiveFrame | None) -> LiveSession:
        run = start_live_run(
            self._engine,
            self._source,
            self._pins,
            claimant=self._claim.claimant,
            lease_s=self._claim.lease_s,
        )
        clock = self._reader.clock
        self._session = LiveSession(
            self._engine,
            self._bus,
            run,
            self._limits,
            self._claim,
            self._marks,
            base=self._base,
            day=(frame.captured_at if frame else clock.captured_at()).date(),
            begin_s=frame.captured_s if frame else clock.now_s(),
        )
        log.info("run begun", run=run.run_id)
        return self._session

    def _end(self, totals: Counters) -> None:
        session = self._session or self._begin(None)
        session.end(totals)
        self._leave()

    def _leave(self) -> None:
        assert self._session is not None
        self._base, self._session = self._session.last, None

    def _totals(self, counters: Counters) -> Counters:
        """The reader's counters, with the pictures that were taken and not published."""
        dropped = dict(counters.dropped)
        for cause, count in self._dropped.items():
            if count:
                dropped[str(cause)] = dropped.get(cause, 0) + count
        return Counters(counters.captured, counters.sampled_out, dropped)
