"""Publish one live source: its newest picture, whenever there is room; what is not, is counted.

A run's messages are numbered from 1, and a number is used once. What the broker accepted and lost
leaves a hole, which the worker that comes to it counts: so nobody has to guess what became of a
message whose answer was lost.
"""

import itertools
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Engine

from contracts.bus import Bus
from contracts.database import transaction
from contracts.errors import BrokerError, DatabaseError, StreamLostError
from contracts.failpoints import failpoint
from contracts.frames import Counters, DropCause, End, FrameMessage
from contracts.jobs import renew_claims
from contracts.live_runs import LivePins, LiveRun, note_size, open_live_run
from contracts.publishing import RunPublisher, StreamLimits
from contracts.records import to_micros
from contracts.sources import LIVE, LiveSource
from ingest.live_mark import PublishedMark
from ingest.live_reader import LiveFrame, LiveReader

log = structlog.get_logger()

_POLL_S: Final = 0.02
_RENEWALS_A_LEASE: Final = 4
_END_TRIES: Final = 3
_EVERY_FRAME_FPS: Final = 30.0
_LEAST_FRAMES: Final = 3


@dataclass(frozen=True, slots=True)
class LiveClaim:
    """Who publishes, and for how long a claim on a run holds unrenewed."""

    claimant: str
    lease_s: float


@dataclass(slots=True)
class _Session:
    """A run in the making. base, last: the totals at its start and at its last message, `seq`."""

    run: LiveRun
    stream: RunPublisher
    mark: PublishedMark
    base: Counters
    last: Counters
    day: date
    begin_s: float
    renew_at: float
    seq: int = 0
    size: tuple[int, int] = (0, 0)
    is_open: bool = False


class LivePublisher:
    """Publishes what `reader` sees. A new run begins with each UTC day.

    `step` raises BrokerError and DatabaseError, and can be called again later.
    """

    def __init__(  # noqa: PLR0913, PLR0917  (its whole surroundings, once)
        self,
        engine: Engine,
        bus: Bus,
        source: LiveSource,
        pins: LivePins,
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
        self._session: _Session | None = None
        self._base = Counters()
        self._refused = 0
        frames = max(round(source.sampling_fps or _EVERY_FRAME_FPS), _LEAST_FRAMES)
        self._limits = StreamLimits(frames, 2**31)

    @property
    def run_id(self) -> str:
        """Of the run that is open; "" between two."""
        return self._session.run.run_id if self._session else ""

    def step(self, timeout_s: float) -> None:
        """Publish the next picture, waiting for one, or for room, that long at most."""
        session = self._session or self._begin()
        if not self._keep_claim(session):
            return
        if not session.is_open:
            # What is still in the stream stays: only what is gone with a broker is lost.
            session.stream.begin(anew=False)
            session.is_open = True
        try:
            room = session.stream.has_room(0)
        except StreamLostError:
            session.is_open = False
            return
        if not room:
            time.sleep(min(_POLL_S, timeout_s))
            return
        frame = self._reader.take(timeout_s)
        if frame is None:
            return
        if frame.captured_at.date() != session.day:
            session = self._turn_the_day(session, frame)
        self._publish(session, frame)

    def close(self) -> None:
        """End the run with all that was captured. The reader is closed. Raises nothing.

        Where the broker is away, who watches over the sources ends the run later.
        """
        session = self._session
        if session is None:
            return
        totals = self._totals(self._reader.counters())
        for tries in itertools.count(1):
            try:
                self._end(session, totals)
                return
            except (BrokerError, DatabaseError) as exc:
                log.warning("cannot end the run", run=session.run.run_id, reason=exc.line())
                if tries == _END_TRIES:
                    session.mark.close(forget=False)
                    return

    def _begin(self) -> _Session:
        run = open_live_run(
            self._engine,
            self._source,
            self._pins,
            claimant=self._claim.claimant,
            lease_s=self._claim.lease_s,
        )
        now_s = time.monotonic()
        self._session = _Session(
            run=run,
            stream=RunPublisher(self._bus, run.run_id, self._limits, kind=LIVE),
            mark=PublishedMark(self._marks, run.run_id),
            base=self._base,
            last=self._base,
            day=self._reader.clock.captured_at().date(),
            begin_s=self._reader.clock.now_s(),
            renew_at=now_s + self._claim.lease_s / _RENEWALS_A_LEASE,
        )
        log.info("run begun", run=run.run_id)
        return self._session

    def _keep_claim(self, session: _Session) -> bool:
        """Say that the run is still read. False: somebody took this process for dead."""
        now_s = time.monotonic()
        if now_s < session.renew_at:
            return True
        with transaction(self._engine) as connection:
            mine = renew_claims(
                connection,
                [session.run.run_pk],
                claimant=self._claim.claimant,
                lease_s=self._claim.lease_s,
            )
        if mine:
            session.renew_at = now_s + self._claim.lease_s / _RENEWALS_A_LEASE
            return True
        log.warning("run lost", run=session.run.run_id, reason="it was ended by another")
        self._leave(session)
        return False

    def _publish(self, session: _Session, frame: LiveFrame) -> None:
        totals = self._totals(frame.counters)
        message = self._message(session, frame, _since(totals, session.base))
        data = message.encode()
        try:
            accepted = session.stream.publish(message.seq, data)
        except StreamLostError:
            session.stream.begin(anew=False)  # It was not accepted: once more, into a new stream.
            accepted = session.stream.publish(message.seq, data)
        except BrokerError:
            # Perhaps it was. Its number is spent, and the worker will see what became of it.
            session.seq, session.last, session.is_open = message.seq, totals, False
            session.mark.note(message.seq, message.counters)
            raise
        if not accepted:
            self._refused += 1
            return
        failpoint("after-publish")
        session.seq, session.last = message.seq, totals
        session.mark.note(message.seq, message.counters)
        size = (message.display_width, message.display_height)
        if session.size != size:
            note_size(self._engine, session.run.run_pk, *size)
            session.size = size

    def _totals(self, counters: Counters) -> Counters:
        """The reader's counters, with the pictures that the broker had no memory for."""
        newest = counters.dropped.get(DropCause.NEWEST, 0) + self._refused
        dropped = counters.dropped | {str(DropCause.NEWEST): newest}
        return Counters(counters.captured, counters.sampled_out, dropped)

    def _message(self, session: _Session, frame: LiveFrame, counters: Counters) -> FrameMessage:
        return FrameMessage(
            run_id=session.run.run_id,
            seq=session.seq + 1,
            frame_index=counters.captured - 1,
            media_time_us=max(round((frame.captured_s - session.begin_s) * 1e6), 0),
            captured_at_us=to_micros(frame.captured_at),
            width=frame.width,
            height=frame.height,
            display_width=frame.display_width,
            display_height=frame.display_height,
            counters=counters,
            luma=frame.luma,
        )

    def _turn_the_day(self, session: _Session, frame: LiveFrame) -> _Session:
        """End the day's run with its last message's totals; what came since is the next one's."""
        self._end(session, session.last)
        session = self._begin()
        session.day, session.begin_s = frame.captured_at.date(), frame.captured_s
        session.stream.begin(anew=False)
        session.is_open = True
        return session

    def _end(self, session: _Session, totals: Counters) -> None:
        counters = _since(totals, session.base)
        end = End(session.run.run_id, session.seq + 1, counters.captured, counters)
        publish_end(session.stream, end)
        log.info("run published", run=session.run.run_id, captured=counters.captured)
        session.last = totals
        self._leave(session)

    def _leave(self, session: _Session) -> None:
        session.mark.close(forget=True)
        self._base, self._session = session.last, None


def publish_end(stream: RunPublisher, end: End) -> None:
    """Publish a live run's End, into a new stream where the old one is gone. Raises BrokerError."""
    for _ in range(_END_TRIES):
        try:
            if stream.publish(end.seq, end.encode()):
                return
        except StreamLostError:
            stream.begin(anew=False)
    raise BrokerError("the broker's memory is full")


def _since(now: Counters, base: Counters) -> Counters:
    """What was counted since `base`."""
    dropped = {cause: count - base.dropped.get(cause, 0) for cause, count in now.dropped.items()}
    return Counters(
        now.captured - base.captured,
        now.sampled_out - base.sampled_out,
        {cause: count for cause, count in dropped.items() if count},
    )
