"""LiveRunStream: one run of a live source, and the messages that are published for it.

Messages are numbered from 1, and each number is used once. If the broker accepts a message and then
loses it, its number is missing, and the worker counts it as lost. So the publisher need not know
the fate of a message whose answer did not arrive.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Engine

from broker.bus import Bus
from broker.entries.entry_writer import StreamLimits
from broker.publishing import RunPublisher
from contracts.chroma import encode_chroma
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
from ingest.live.newest_frame import LiveFrame
from ingest.live.published_counts import PublishedCounts
from records.database import transaction
from records.runs.claims import next_uncommitted_seq, renew_claims
from records.runs.live_runs import LiveRun, set_frame_size
from runtime.failpoints import failpoint

log = structlog.get_logger()

_RENEWALS_PER_LEASE: Final = 4
_READ_PROGRESS_S: Final = 2.5
"""Most seconds between two looks at how far the workers are."""
_END_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class LiveClaim:
    """The process that publishes a run, and the time for which its claim holds without renewal."""

    claimant: str
    lease_s: float


class LiveRunStream:
    """Publishes the frames of one run that `claim` holds.

    counts_folder: of PublishedCounts. base: the source's counters at the start of the run. day,
    begin_s: UTC day of its first frame, and its time on the monotonic clock. dwell_limit_us: as in
    FrameMessage. on_commit: called when a worker has committed frames. last: the source's counters
    at the last message. The methods raise BrokerError and DatabaseError.
    """

    def __init__(  # noqa: PLR0913, PLR0917  (its whole surroundings, once)
        self,
        engine: Engine,
        bus: Bus,
        run: LiveRun,
        limits: StreamLimits,
        claim: LiveClaim,
        counts_folder: Path,
        base: Counters,
        day: date,
        begin_s: float,
        dwell_limit_us: int,
        on_commit: Callable[[], None],
    ) -> None:
        self.run = run
        self.day = day
        self.last = base
        self._engine = engine
        self._stream = RunPublisher(bus, run.run_id, limits, kind=RunKind.LIVE)
        self._claim = claim
        self._published = PublishedCounts(counts_folder, run.run_id)
        self._base = base
        self._begin_s = begin_s
        self._dwell_limit_us = dwell_limit_us
        self._renew_every_s = min(claim.lease_s / _RENEWALS_PER_LEASE, _READ_PROGRESS_S)
        self._renew_at = time.monotonic() + self._renew_every_s
        self._on_commit = on_commit
        self._next_uncommitted = run.next_seq
        self._seq = 0
        self._size = (0, 0)
        self._is_open = False

    @property
    def broker_is_full(self) -> bool:
        """Whether the broker has no memory left, beyond the limits of this run's stream."""
        return self._stream.broker_is_full

    def has_room(self) -> bool:
        """Return whether the stream can take a frame. Raises RunLostError."""
        self._renew_claim()
        self._open()
        try:
            return self._stream.has_room(0)
        except StreamLostError:
            # Another process may have ended the run: check the claim next time.
            self._is_open, self._renew_at = False, 0.0
            return False

    def publish(self, frame: LiveFrame, totals: Counters) -> bool | None:
        """Publish the frame. Return False if the broker has no memory for it, None to retry.

        totals: the source's counters, including the frame. After a BrokerError the frame's number
        is used: the frame is in the broker, or will be counted as lost. Raises RunLostError.
        """
        self._open()
        message = self._message(frame, _difference(totals, self._base))
        try:
            accepted = self._send(message)
        except StreamLostError:
            self._is_open = False  # The new stream is lost too; the frame was not accepted.
            return None
        except BrokerError:
            self._use_number(message, totals)
            self._is_open = False
            raise
        if accepted:
            failpoint("after-publish")
            self._use_number(message, totals)
        return accepted

    def set_frame_size(self, frame: LiveFrame) -> None:
        """Store the size of the run's frames if it changed."""
        size = (frame.display_width, frame.display_height)
        if self._size != size:
            set_frame_size(self._engine, self.run.run_pk, *size)
            self._size = size

    def end(self, totals: Counters) -> None:
        """Publish the end of the run. totals: the source's counters. Raises RunLostError."""
        counters = _difference(totals, self._base)
        with suppress(DatabaseError):  # Then the claim is assumed to hold.
            self._renew_claim(now=True)
        with suppress(FrameNumberUsedError):  # An earlier attempt succeeded without an answer.
            end = End(self.run.run_id, self._seq + 1, counters.captured, counters)
            publish_end(self._stream, end)
        log.info("run published", run=self.run.run_id, captured=counters.captured)
        self.last = totals
        self._published.close(delete=True)

    def abandon(self) -> None:
        """Stop without publishing the end: `end_orphaned_runs` does it later."""
        self._published.close(delete=False)

    def _open(self) -> None:
        if not self._is_open:
            # Keeps what is in the stream: only what a lost broker took along is gone.
            self._stream.begin(reset=False)
            self._is_open = True

    def _renew_claim(self, *, now: bool = False) -> None:
        """Renew the claim if it is time, or now. Raises RunLostError."""
        now_s = time.monotonic()
        if now_s < self._renew_at and not now:
            return
        with transaction(self._engine) as connection:
            renewed = renew_claims(
                connection,
                [self.run.run_pk],
                claimant=self._claim.claimant,
                lease_s=self._claim.lease_s,
            )
            next_seq = next_uncommitted_seq(connection, self.run.run_pk) if renewed else 0
        if not renewed:
            log.warning("run lost", run=self.run.run_id, reason="another process ended it")
            self._published.close(delete=True)
            raise RunLostError(f"another process ended run {self.run.run_id}")
        self._renew_at = now_s + self._renew_every_s
        if next_seq > self._next_uncommitted:
            self._next_uncommitted = next_seq
            self._on_commit()

    def _send(self, message: FrameMessage) -> bool:
        data, chroma = message.encode(), b""
        if message.chroma:
            chroma = encode_chroma(message.chroma, message.width, message.height)
        try:
            return self._stream.publish(message.seq, data, chroma)
        except StreamLostError:
            self._renew_claim(now=True)  # The stream may be gone because the run was ended.
            self._stream.begin(reset=False)  # The message was not accepted: try a new stream.
            return self._stream.publish(message.seq, data, chroma)
        except FrameNumberUsedError:
            self._renew_claim(now=True)
            return True  # An earlier attempt succeeded without an answer.

    def _use_number(self, message: FrameMessage, totals: Counters) -> None:
        """Never use the message's number again, whether the message arrived or not."""
        self._seq, self.last = message.seq, totals
        self._published.write(message.seq, message.counters)

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
            chroma=frame.chroma,
            dwell_limit_us=self._dwell_limit_us,
        )


def publish_end(stream: RunPublisher, end: End) -> None:
    """Publish the end of a live run, in a new stream if the old one is lost. Raises BrokerError."""
    for _ in range(_END_ATTEMPTS):
        try:
            if stream.publish(end.seq, end.encode()):
                return
        except StreamLostError:
            stream.begin(reset=False)
    raise BrokerError("the broker's memory is full")


def _difference(totals: Counters, base: Counters) -> Counters:
    """Return the counts since `base`."""
    dropped = {cause: count - base.dropped.get(cause, 0) for cause, count in totals.dropped.items()}
    return Counters(
        totals.captured - base.captured,
        totals.sampled_out - base.sampled_out,
        {cause: count for cause, count in dropped.items() if count},
    )
