"""Orphaned runs: ends the live runs whose publisher died, by publishing their end message.

Three places say how far such a run came: the database, the PublishedCounts of this host, and the
last message in the broker. The largest number is right.
"""

from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Engine

from broker.bus import Bus
from broker.entries.entry_writer import StreamLimits
from broker.entries.stream_entries import Delivery
from broker.publishing import RunPublisher
from contracts.errors import FrameDecodeError, FrameNumberUsedError
from contracts.frames import End, decode
from contracts.runs import RunKind
from ingest.live.published_counts import PublishedCounts
from ingest.live.run_stream import LiveClaim, publish_end
from records.runs.live_runs import LiveRun, claim_orphaned_runs

log = structlog.get_logger()

_NO_LIMITS: Final = StreamLimits(2**31, 2**62)


def end_orphaned_runs(engine: Engine, bus: Bus, claim: LiveClaim, counts_folder: Path) -> int:
    """End the orphaned runs; return how many. Raises BrokerError and DatabaseError."""
    ended = 0
    for run in claim_orphaned_runs(engine, claimant=claim.claimant, lease_s=claim.lease_s):
        stream = RunPublisher(bus, run.run_id, _NO_LIMITS, kind=RunKind.LIVE)
        end = _end_of(run, bus.last_message(run.run_id), counts_folder)
        if end is None:
            continue  # The end is published already, and waits for a worker.
        try:
            publish_end(stream, end)
        except FrameNumberUsedError:
            continue  # A last frame arrived in the meantime: the next call sees it.
        PublishedCounts.delete(counts_folder, run.run_id)
        log.info("orphaned run ended", run=run.run_id, captured=end.frames_total)
        ended += 1
    return ended


def _end_of(run: LiveRun, last_message: Delivery | None, counts_folder: Path) -> End | None:
    """Return the end message of the run; None if it is in the stream already."""
    known = [(run.next_seq - 1, run.counters)]
    published = PublishedCounts.read(counts_folder, run.run_id)
    if published is not None:
        known.append(published)
    if last_message is not None:
        try:
            message = decode(last_message.data)
        except FrameDecodeError:
            pass  # A worker makes it a dead letter.
        else:
            if isinstance(message, End):
                return None
            known.append((message.seq, message.counters))
    seq, counters = max(known, key=lambda numbered: numbered[0])
    return End(run.run_id, seq + 1, counters.captured, counters)
