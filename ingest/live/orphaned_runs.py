"""End the live runs whose reader died: with an End message behind what it had published.

All that is known of such a run says how far it came: SQL, the mark that its reader left on this
host, and the last message in the broker. The furthest of them is right.
"""

from pathlib import Path

import structlog
from sqlalchemy import Engine

from broker.bus import Bus
from broker.publishing import RunPublisher, StreamLimits
from contracts.errors import FrameDecodeError, FrameNumberUsedError
from contracts.frames import End, decode
from contracts.runs import RunKind
from ingest.live.published_counts import PublishedMark
from ingest.live.session import LiveClaim, publish_end
from records.runs.live_runs import LiveRun, claim_orphaned_runs

log = structlog.get_logger()

_LIMITS = StreamLimits(2**31, 2**62)


def end_orphans(engine: Engine, bus: Bus, claim: LiveClaim, marks: Path) -> int:
    """End those that were left behind; how many. Raises BrokerError and DatabaseError."""
    ended = 0
    for run in claim_orphaned_runs(engine, claimant=claim.claimant, lease_s=claim.lease_s):
        stream = RunPublisher(bus, run.run_id, _LIMITS, kind=RunKind.LIVE)
        end = _end_of(run, bus.last_message(run.run_id), marks)
        if end is None:
            continue  # It was published, and waits for a worker.
        try:
            publish_end(stream, end)
        except FrameNumberUsedError:
            continue  # Its last frame came in just now: the next look sees it.
        PublishedMark.forget(marks, run.run_id)
        log.info("run of a dead reader ended", run=run.run_id, captured=end.frames_total)
        ended += 1
    return ended


def _end_of(run: LiveRun, last: bytes | None, marks: Path) -> End | None:
    known = [(run.next_seq - 1, run.counters)]
    marked = PublishedMark.read(marks, run.run_id)
    if marked is not None:
        known.append(marked)
    if last is not None:
        try:
            message = decode(last)
        except FrameDecodeError:
            pass  # A worker sets it aside.
        else:
            if isinstance(message, End):
                return None
            known.append((message.seq, message.counters))
    seq, counters = max(known, key=lambda one: one[0])
    return End(run.run_id, seq + 1, counters.captured, counters)
