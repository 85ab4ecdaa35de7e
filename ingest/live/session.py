"""One run of a live source in the making: its claim, its stream, and the numbers it has used.

A run's messages are numbered from 1, and a number is used once. What the broker accepted and lost
leaves a hole, which the worker that comes to it counts: so nobody has to guess what became of a
message whose answer was lost.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Engine

from broker.bus import Bus
from broker.publishing import RunPublisher, StreamLimits
from contracts.errors import (
    BrokerError,
    DatabaseError,
    FrameNumberUsedError,
    RunLostError,
    StreamLostError,
)
from contracts.frames import Counters, End, FrameMessage
from contracts.runs import RunKind
from contracts.times import to_micros
from ingest.live.published_counts import PublishedMark
from ingest.live.reader import LiveFrame
from records.database import transaction
from records.runs.claims import renew_claims
from records.runs.live_runs import LiveRun, set_frame_size
from runtime.failpoints import failpoint

log = structlog.get_logger()

_RENEWALS_A_LEASE: Final = 4
_END_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class LiveClaim:
    """Who publishes, and for how long a claim on a run holds unrenewed."""

    claimant: str
    lease_s: float


class LiveSession:
    """One run that was opened just now, and is claimed by `claim`.

    base: the source's totals at its start. day, begin_s: of its first picture. last: the totals
    at its last message. Its methods raise BrokerError and DatabaseError.
    """

    def __init__(  # noqa: PLR0913, PLR0917  (its whole surroundings, once)
        self,
        engine: Engine,
        bus: Bus,
        run: LiveRun,
        limits: StreamLimits,
        claim: LiveClaim,
        marks: Path,
        base: Counters,
        day: date,
        begin_s: float,
    ) -> None:
        self.run = run
        self.day = day
        self.last = base
        self._engine = engine
        self._stream = RunPublisher(bus, run.run_id, limits, kind=RunKind.LIVE)
        self._claim = claim
        self._mark = PublishedMark(marks, run.run_id)
        self._base = base
        self._begin_s = begin_s
        self._renew_at = time.monotonic() + claim.lease_s / _RENEWALS_A_LEASE
        self._seq = 0
        self._size = (0, 0)
        self._is_open = False

    @property
    def broker_is_full(self) -> bool:
        """Whether it is the broker's memory that has no room, not this run's share of it."""
        return self._stream.broker_is_full

    def has_room(self) -> bool:
        """Whether its stream takes a picture. Raises RunLostError when it is not ours any more."""
        self._keep_claim()
        self._open()
        try:
            return self._stream.has_room(0)
        except StreamLostError:
            self._is_open, self._renew_at = False, 0.0  # Perhaps because the run was ended.
            return False

    def publish(self, frame: LiveFrame, totals: Counters) -> bool | None:
        """Publish the picture. False: the broker has no memory for it. None: try it again.

        totals: of the source, with it. What is raised as BrokerError has used its number: the
        picture is in the broker, or will be counted as lost there. Raises RunLostError.
        """
        self._open()
        message = self._message(frame, _since(totals, self._base))
        try:
            accepted = self._offer(message)
        except StreamLostError:
            self._is_open = False  # Gone once more: it was not accepted.
            return None
        except BrokerError:
            self._spend(message, totals)
            self._is_open = False
            raise
        if accepted:
            failpoint("after-publish")
            self._spend(message, totals)
        return accepted

    def set_frame_size(self, frame: LiveFrame) -> None:
        """Write down the size of its pictures where it is another."""
        size = (frame.display_width, frame.display_height)
        if self._size != size:
            set_frame_size(self._engine, self.run.run_pk, *size)
            self._size = size

    def end(self, totals: Counters) -> None:
        """Publish its End with the source's totals, and forget it. Raises RunLostError."""
        counters = _since(totals, self._base)
        with suppress(DatabaseError):  # It does not say: then the run is taken for ours.
            self._keep_claim(now=True)
        with suppress(FrameNumberUsedError):  # A first try of ours, whose answer did not come.
            end = End(self.run.run_id, self._seq + 1, counters.captured, counters)
            publish_end(self._stream, end)
        log.info("run published", run=self.run.run_id, captured=counters.captured)
        self.last = totals
        self._mark.close(forget=True)

    def abandon(self) -> None:
        """Leave it to whoever ends the runs of the dead."""
        self._mark.close(forget=False)

    def _open(self) -> None:
        if not self._is_open:
            # What is still in the stream stays: only what is gone with a broker is lost.
            self._stream.begin(reset=False)
            self._is_open = True

    def _keep_claim(self, *, now: bool = False) -> None:
        """Say that the run is still read, when it is time, or now."""
        now_s = time.monotonic()
        if now_s < self._renew_at and not now:
            return
        with transaction(self._engine) as connection:
            mine = renew_claims(
                connection,
                [self.run.run_pk],
                claimant=self._claim.claimant,
                lease_s=self._claim.lease_s,
            )
        if not mine:
            log.warning("run lost", run=self.run.run_id, reason="it was ended by another")
            self._mark.close(forget=True)
            raise RunLostError(f"run {self.run.run_id} was ended by another process")
        self._renew_at = now_s + self._claim.lease_s / _RENEWALS_A_LEASE

    def _offer(self, message: FrameMessage) -> bool:
        data = message.encode()
        try:
            return self._stream.publish(message.seq, data)
        except StreamLostError:
            self._keep_claim(now=True)  # Perhaps it went because the run was ended.
            self._stream.begin(reset=False)  # It was not accepted: once more, into a new one.
            return self._stream.publish(message.seq, data)
        except FrameNumberUsedError:
            self._keep_claim(now=True)
            return True  # A first try of ours, whose answer did not come.

    def _spend(self, message: FrameMessage, totals: Counters) -> None:
        """The message's number is used: by the message, or by a hole."""
        self._seq, self.last = message.seq, totals
        self._mark.note(message.seq, message.counters)

    def _message(self, frame: LiveFrame, counters: Counters) -> FrameMessage:
        return FrameMessage(
            run_id=self.run.run_id,
            seq=self._seq + 1,
            frame_index=counters.captured - 1,
            media_time_us=max(round((frame.captured_s - self._begin_s) * 1e6), 0),
            captured_at_us=to_micros(frame.captured_at),
            width=frame.width,
            height=frame.height,
            display_width=frame.display_width,
            display_height=frame.display_height,
            counters=counters,
            luma=frame.luma,
        )


def publish_end(stream: RunPublisher, end: End) -> None:
    """Publish a live run's End, into a new stream where the old one is gone. Raises BrokerError."""
    for _ in range(_END_TRIES):
        try:
            if stream.publish(end.seq, end.encode()):
                return
        except StreamLostError:
            stream.begin(reset=False)
    raise BrokerError("the broker's memory is full")


def _since(now: Counters, base: Counters) -> Counters:
    """What was counted since `base`."""
    dropped = {cause: count - base.dropped.get(cause, 0) for cause, count in now.dropped.items()}
    return Counters(
        now.captured - base.captured,
        now.sampled_out - base.sampled_out,
        {cause: count for cause, count in dropped.items() if count},
    )
