"""The queue of recordings to analyse: enqueue a file, claim the next run."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from contracts.runs import ENDED_STATES, RunKind, RunState
from contracts.shared_folders import SharedFolders
from contracts.times import utc_now
from records.locks import lock_queue
from records.runs.copies.originals import OPEN_STATES, analyse_itself, original_of
from records.runs.counted_runs import has_counted_run
from records.runs.file_job import FileJob
from records.runs.places import IsGone, follow_move, nothing_is_gone, same_place
from records.runs.source_choice import source_of
from records.tables.runs import Run, RunProgress
from runtime.process_identity import claim_is_alive
from runtime.version import moodline_version


@dataclass(frozen=True, slots=True)
class QueuedRun:
    """A run that was found, created or claimed. claimed: the caller has the claim on it.

    is_copy: it gets its rows from another run of the same content.
    """

    run_pk: int
    run_id: str
    state: RunState
    claimed: bool
    is_copy: bool = False

    @property
    def reused(self) -> bool:
        """Whether the run had finished earlier."""
        return self.state is RunState.DONE


def enqueue_file(  # noqa: PLR0913  (one job, and who queues it)
    connection: Connection,
    job: FileJob,
    *,
    claimant: str | None,
    lease_s: float,
    again: bool,
    again_before: datetime | None = None,
    is_gone: IsGone = nothing_is_gone,
) -> QueuedRun:
    """Find the recording's run of equal work, or create one, and claim it, in one transaction.

    An unfinished or failed run resumes where it stopped, unless a living process has claimed it.
    A finished run is reused unless `again`. The run of a recording whose content is analysed at
    another place is a copy. It is claimed once its rows can be copied.

    claimant: None leaves the run to the first ingest service that claims it. again_before: runs
    that were queued since then are reused in any case. is_gone: see `follow_move`.
    """
    lock_queue(connection)
    follow_move(connection, job, is_gone)
    found = _own_run(connection, job)
    is_fresh = not again or (
        found is not None and again_before is not None and found.queued_at >= again_before
    )
    if found is None or (found.state == RunState.DONE and not is_fresh):
        since = (again_before or utc_now()) if again else None
        return _new_run(connection, job, claimant, lease_s, since)
    state, is_copy = RunState(found.state), found.copy_of is not None
    if state is RunState.DONE:
        return QueuedRun(found.id, found.run_id, state, claimed=False, is_copy=is_copy)
    if state not in ENDED_STATES and claim_is_alive(found.claimed_by, found.claim_expires_at):
        return QueuedRun(found.id, found.run_id, state, claimed=False, is_copy=is_copy)
    if is_copy:
        original = _renewed_original(connection, job, found, by_service=claimant is None)
        is_copy = original is not None
        if original is not None and original.state not in ENDED_STATES:
            claimant = None
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
    return QueuedRun(
        found.id, found.run_id, RunState.QUEUED, claimed=claimant is not None, is_copy=is_copy
    )


def claim_next(
    connection: Connection, *, claimant: str, lease_s: float, folders: SharedFolders
) -> QueuedRun | None:
    """Claim the oldest unfinished recording that no living process has claimed, or return None.

    Skips recordings in shared folders that this host does not have, and copies of a recording that
    is still to be analysed, unless nobody works on it and this host cannot.
    """
    lock_queue(connection)
    original = Run.__table__.alias("original")
    waiting = connection.execute(
        select(
            Run.id,
            Run.run_id,
            Run.state,
            Run.uri,
            Run.claimed_by,
            Run.claim_expires_at,
            original.c.uri.label("original"),
            original.c.claimed_by.label("original_by"),
            original.c.claim_expires_at.label("original_until"),
        )
        .outerjoin(original, (original.c.id == Run.copy_of) & original.c.state.in_(OPEN_STATES))
        .where(Run.kind == RunKind.FILE, Run.state.in_(OPEN_STATES))
        .order_by(Run.id)
    )
    for run in waiting:
        if not folders.can_open(run.uri):
            continue
        if run.claimed_by == claimant or claim_is_alive(run.claimed_by, run.claim_expires_at):
            continue
        if run.original is not None:
            is_taken = claim_is_alive(run.original_by, run.original_until)
            if is_taken or folders.can_open(run.original):
                continue
            analyse_itself(connection, run.id)
        connection.execute(
            update(Run)
            .where(Run.id == run.id)
            .values(claimed_by=claimant, claim_expires_at=utc_now() + timedelta(seconds=lease_s))
        )
        return QueuedRun(run.id, run.run_id, RunState(run.state), claimed=True)
    return None


def _own_run(connection: Connection, job: FileJob) -> Row[*tuple[Any, ...]] | None:
    """Return the latest run of this work at the job's own place."""
    of_work = connection.execute(
        select(
            Run.id,
            Run.run_id,
            Run.uri,
            Run.state,
            Run.copy_of,
            Run.queued_at,
            Run.claimed_by,
            Run.claim_expires_at,
        )
        .where(Run.identity == job.identity())
        .order_by(Run.id.desc())
    )
    return next((run for run in of_work if same_place(run.uri, job.uri)), None)


def _renewed_original(
    connection: Connection, job: FileJob, copy: Row[*tuple[Any, ...]], *, by_service: bool
) -> Row[*tuple[Any, ...]] | None:
    """Return the run from which an unfinished copy gets its rows; None: it is analysed itself.

    A copy that waits keeps an original that failed, and fails as it did. A retry does not.
    """
    known = _state_of(connection, copy.copy_of)
    if copy.state not in ENDED_STATES and known is not None and known.state == RunState.FAILED:
        return known
    original_pk = original_of(connection, job, by_service=by_service)
    if original_pk is None:
        analyse_itself(connection, copy.id)
        return None
    connection.execute(update(Run).where(Run.id == copy.id).values(copy_of=original_pk))
    return _state_of(connection, original_pk)


def _state_of(connection: Connection, run_pk: int) -> Row[*tuple[Any, ...]] | None:
    return connection.execute(select(Run.id, Run.state).where(Run.id == run_pk)).first()


def _new_run(
    connection: Connection,
    job: FileJob,
    claimant: str | None,
    lease_s: float,
    original_since: datetime | None,
) -> QueuedRun:
    """Create a run. original_since: rows of finished runs from before it are not copied."""
    now = utc_now()
    run_id = f"{now:%y%m%d}-{secrets.token_hex(4)}"
    by_service = claimant is None
    original_pk = original_of(connection, job, since=original_since, by_service=by_service)
    original = None if original_pk is None else _state_of(connection, original_pk)
    if original is not None and original.state not in ENDED_STATES:
        claimant = None
    source_pk = source_of(connection, job, now)
    is_counted = has_counted_run(connection, source_pk, job.content_hash, job.uri)
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
            copy_of=original_pk,
            # A copy counts from its end, when its time is known.
            counted=original is None and not is_counted,
            queued_at=now,
            made_by=moodline_version()[:32],
            claimed_by=claimant,
            claim_expires_at=now + timedelta(seconds=lease_s) if claimant else None,
        )
        .returning(Run.id)
    ).scalar_one()
    connection.execute(insert(RunProgress).values(run_pk=run_pk))
    return QueuedRun(
        run_pk,
        run_id,
        RunState.QUEUED,
        claimed=claimant is not None,
        is_copy=original is not None,
    )
