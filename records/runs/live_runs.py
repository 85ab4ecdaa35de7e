"""Runs of live sources: begun by the process that reads the source, ended by an End message.

Such a run is claimed by that process. One that died leaves a run behind, which whoever watches
over sources takes over, to end it.
"""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, insert, select, update

from contracts.analysis_spec import AnalysisSpec
from contracts.frames import Counters
from contracts.live_sources import LiveSource
from contracts.runs import ENDED_STATES, RunKind, RunState
from contracts.times import utc_now
from records.database import reading, transaction
from records.locks import lock_queue
from records.tables.runs import Run, RunProgress
from runtime.process_identity import claim_is_alive, lives_here


@dataclass(frozen=True, slots=True)
class LiveRun:
    """An open run of a live source. next_seq, counters: what SQL has committed."""

    run_pk: int
    run_id: str
    next_seq: int = 1
    counters: Counters = field(default_factory=Counters)


def open_live_run(
    engine: Engine, source: LiveSource, pins: AnalysisSpec, *, claimant: str, lease_s: float
) -> LiveRun:
    """Begin a run; its media time 0 is now."""
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
                detector=pins.detector,
                model_version=pins.model_version,
                options=json.dumps({"analysis": asdict(pins.options)}),
                state=RunState.RUNNING,
                recorded_at=now,
                recorded_at_origin=RunKind.LIVE,
                queued_at=now,
                started_at=now,
                claimed_by=claimant,
                claim_expires_at=now + timedelta(seconds=lease_s),
            )
            .returning(Run.id)
        ).scalar_one()
        connection.execute(insert(RunProgress).values(run_pk=run_pk))
    return LiveRun(run_pk, run_id)


def note_size(engine: Engine, run_pk: int, width: int, height: int) -> None:
    """Write down the size of the source's pictures, in display pixels."""
    with transaction(engine) as connection:
        connection.execute(
            update(Run).where(Run.id == run_pk).values(display_width=width, display_height=height)
        )


def orphaned_runs(engine: Engine, *, claimant: str, lease_s: float) -> list[LiveRun]:
    """The live runs whose reader died, now claimed by this claimant, with those it has already.

    A reader of another host is dead when its claim has run out.
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

    def is_orphan(row: Any) -> bool:
        if row.claimed_by == claimant:
            return True
        # A clock that was set, or a laptop that slept, ends no run of a reader that lives.
        alive = claim_is_alive(row.claimed_by, row.claim_expires_at)
        return not (alive or lives_here(row.claimed_by))

    with reading(engine) as connection:
        if not any(is_orphan(row) for row in connection.execute(query)):
            return []
    with transaction(engine) as connection:
        lock_queue(connection)
        orphans = [row for row in connection.execute(query) if is_orphan(row)]
        connection.execute(
            update(Run)
            .where(Run.id.in_([row.id for row in orphans]))
            .values(claimed_by=claimant, claim_expires_at=utc_now() + timedelta(seconds=lease_s))
        )
    return [LiveRun(row.id, row.run_id, row.next_seq, _counters(row)) for row in orphans]


def _counters(row: Any) -> Counters:
    return Counters(row.frames_captured, row.frames_sampled_out, json.loads(row.dropped or "{}"))
