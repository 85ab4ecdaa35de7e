"""The queue of recordings to analyse: enqueue a file, claim the next run."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, insert, select, update

from contracts.runs import ENDED_STATES, RunKind, RunState
from contracts.shared_folders import SharedFolders
from contracts.times import utc_now
from records.locks import lock_queue
from records.runs.counted_runs import has_counted_run
from records.runs.file_job import FileJob
from records.runs.source_choice import source_of
from records.tables.runs import Run, RunProgress
from runtime.process_identity import claim_is_alive


@dataclass(frozen=True, slots=True)
class QueuedRun:
    """A run that was found, created or claimed. claimed: the caller has the claim on it."""

    run_pk: int
    run_id: str
    state: RunState
    claimed: bool

    @property
    def reused(self) -> bool:
        """Whether the run had finished earlier."""
        return self.state is RunState.DONE


def enqueue_file(
    connection: Connection, job: FileJob, *, claimant: str | None, lease_s: float, again: bool
) -> QueuedRun:
    """Find the run of equal work, or create one, and claim it, in one writing transaction.

    An unfinished or failed run resumes where it stopped, unless a living process has claimed it.
    A finished run is reused unless `again`. claimant: None leaves the run to the first ingest
    service that claims it.
    """
    lock_queue(connection)
    found = connection.execute(
        select(Run.id, Run.run_id, Run.state, Run.claimed_by, Run.claim_expires_at)
        .where(Run.identity == job.identity())
        .order_by(Run.id.desc())
        .limit(1)
    ).first()
    if found is None or (again and found.state == RunState.DONE):
        return _new_run(connection, job, claimant, lease_s)
    state = RunState(found.state)
    if state is RunState.DONE:
        return QueuedRun(found.id, found.run_id, state, claimed=False)
    if state not in ENDED_STATES and claim_is_alive(found.claimed_by, found.claim_expires_at):
        return QueuedRun(found.id, found.run_id, state, claimed=False)
    connection.execute(
        update(Run)
        .where(Run.id == found.id)
        .values(
            state=RunState.QUEUED,
            error="",
            uri=job.uri,
            file_state=job.file_state,
            finished_at=None,
            claimed_by=claimant,
            claim_expires_at=utc_now() + timedelta(seconds=lease_s) if claimant else None,
        )
    )
    # Crashes are counted from zero again: only repeated ones under one claimant are poison.
    connection.execute(
        update(RunProgress).where(RunProgress.run_pk == found.id).values(attempts=0, holder=None)
    )
    return QueuedRun(found.id, found.run_id, RunState.QUEUED, claimed=claimant is not None)


def claim_next(
    connection: Connection, *, claimant: str, lease_s: float, folders: SharedFolders
) -> QueuedRun | None:
    """Claim the oldest unfinished recording that no living process has claimed, or return None.

    Skips recordings in shared folders that this host does not have.
    """
    lock_queue(connection)
    waiting = connection.execute(
        select(Run.id, Run.run_id, Run.state, Run.uri, Run.claimed_by, Run.claim_expires_at)
        .where(Run.kind == RunKind.FILE, Run.state.in_([RunState.QUEUED, RunState.RUNNING]))
        .order_by(Run.id)
    )
    for run in waiting:
        if not folders.can_open(run.uri):
            continue
        if run.claimed_by != claimant and not claim_is_alive(run.claimed_by, run.claim_expires_at):
            connection.execute(
                update(Run)
                .where(Run.id == run.id)
                .values(
                    claimed_by=claimant, claim_expires_at=utc_now() + timedelta(seconds=lease_s)
                )
            )
            return QueuedRun(run.id, run.run_id, RunState(run.state), claimed=True)
    return None


def _new_run(
    connection: Connection, job: FileJob, claimant: str | None, lease_s: float
) -> QueuedRun:
    now = utc_now()
    run_id = f"{now:%y%m%d}-{secrets.token_hex(4)}"
    source_pk = source_of(connection, job, now)
    run_pk = connection.execute(
        insert(Run)
        .values(
            run_id=run_id,
            source_pk=source_pk,
            identity=job.identity(),
            kind=RunKind.FILE,
            uri=job.uri,
            content_hash=job.content_hash,
            file_state=job.file_state,
            sampling_fps=job.sampling_fps,
            detector=job.detector,
            model_version=job.model_version,
            options=job.stored_options(),
            state=RunState.QUEUED,
            counted=not has_counted_run(connection, source_pk, job.content_hash),
            queued_at=now,
            claimed_by=claimant,
            claim_expires_at=now + timedelta(seconds=lease_s) if claimant else None,
        )
        .returning(Run.id)
    ).scalar_one()
    connection.execute(insert(RunProgress).values(run_pk=run_pk))
    return QueuedRun(run_pk, run_id, RunState.QUEUED, claimed=claimant is not None)
