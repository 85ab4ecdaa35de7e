"""Runs of live sources: started by the process that reads the source, ended by an End message.

The reading process claims the run. If it dies, the supervisor claims the orphaned run to end it.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine, insert, select, update

from contracts.analysis_spec import AnalysisSpec
from contracts.frames import Counters
from contracts.live_sources import LiveSource
from contracts.runs import ENDED_STATES, RunKind, RunState
from contracts.times import utc_now
from records.database import reading, transaction
from records.json_columns import decode_drop_counts, encode_live_run_options
from records.locks import lock_queue
from records.tables.runs import Run, RunProgress
from runtime.process_identity import claim_is_alive, is_running_here
from runtime.version import moodline_version


@dataclass(frozen=True, slots=True)
class LiveRun:
    """An open run of a live source. next_seq, counters: as SQL has committed them."""

    run_pk: int
    run_id: str
    next_seq: int = 1
    counters: Counters = field(default_factory=Counters)


def start_live_run(
    engine: Engine, source: LiveSource, spec: AnalysisSpec, *, claimant: str, lease_s: float
) -> LiveRun:
    """Start a run whose media time 0 is now."""
    now = utc_now()
    run_id = f"{now:%y%m%d}-{secrets.token_hex(4)}"
    with transaction(engine) as connection:
        run_pk = connection.execute(
            insert(Run)
            .values(
                run_id=run_id,
                source_pk=source.pk,
                identity=hashlib.sha256(run_id.encode()).hexdigest(),
                kind=RunKind.LIVE,
                uri=source.shown_uri,
                content_hash="",
                sampling_fps=source.sampling_fps,
                detector=spec.detector,
                model_version=spec.model_version,
                options=encode_live_run_options(spec.options),
                state=RunState.RUNNING,
                recorded_at=now,
                recorded_at_origin=RunKind.LIVE,
                queued_at=now,
                made_by=moodline_version()[:32],
                started_at=now,
                claimed_by=claimant,
                claim_expires_at=now + timedelta(seconds=lease_s),
            )
            .returning(Run.id)
        ).scalar_one()
        connection.execute(insert(RunProgress).values(run_pk=run_pk))
    return LiveRun(run_pk, run_id)


def set_frame_size(engine: Engine, run_pk: int, width: int, height: int) -> None:
    """Store the frame size of the run, in display pixels."""
    with transaction(engine) as connection:
        connection.execute(
            update(Run).where(Run.id == run_pk).values(display_width=width, display_height=height)
        )


def has_open_live_runs(engine: Engine) -> bool:
    """Return whether a live run has not ended. Raises DatabaseError."""
    query = select(Run.id).where(Run.kind == RunKind.LIVE, Run.state.not_in(ENDED_STATES)).limit(1)
    with reading(engine) as connection:
        return connection.execute(query).first() is not None


def claim_orphaned_runs(engine: Engine, *, claimant: str, lease_s: float) -> list[LiveRun]:
    """Claim the live runs whose reader died, and return them with those claimed before.

    A reader on another host counts as dead when its claim has expired.
    """
    query = (
        select(
            Run.id,
            Run.run_id,
            Run.claimed_by,
            Run.claim_expires_at,
            RunProgress.next_seq,
            RunProgress.frames_captured,
            RunProgress.frames_sampled_out,
            RunProgress.dropped,
        )
        .join(RunProgress, RunProgress.run_pk == Run.id)
        .where(Run.kind == RunKind.LIVE, Run.state.not_in(ENDED_STATES))
    )

    def is_orphan(claimed_by: str | None, expires_at: datetime | None) -> bool:
        if claimed_by == claimant:
            return True
        # A clock that was set, or a laptop that slept, must not end the run of a living reader.
        return not (claim_is_alive(claimed_by, expires_at) or is_running_here(claimed_by))

    with reading(engine) as connection:
        rows = connection.execute(query)
        if not any(is_orphan(row.claimed_by, row.claim_expires_at) for row in rows):
            return []
    with transaction(engine) as connection:
        lock_queue(connection)
        orphans = [
            row
            for row in connection.execute(query)
            if is_orphan(row.claimed_by, row.claim_expires_at)
        ]
        connection.execute(
            update(Run)
            .where(Run.id.in_([row.id for row in orphans]))
            .values(claimed_by=claimant, claim_expires_at=utc_now() + timedelta(seconds=lease_s))
        )
    return [
        LiveRun(
            row.id,
            row.run_id,
            row.next_seq,
            Counters(row.frames_captured, row.frames_sampled_out, decode_drop_counts(row.dropped)),
        )
        for row in orphans
    ]
