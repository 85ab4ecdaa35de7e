"""Runs as jobs: enqueue, claim, start, fail. Every stage that starts work does it here."""

import hashlib
import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, insert, select, update

from contracts.analysis_spec import AnalysisOptions
from contracts.errors import RunNotFoundError
from contracts.runs import ENDED_STATES, RunKind, RunState
from contracts.shared_folders import SharedFolders
from contracts.times import utc_now
from records.database import transaction
from records.locks import lock_queue
from records.runs.counted_runs import has_counted
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source
from runtime.process_identity import claim_is_alive


@dataclass(frozen=True, slots=True)
class FileJob:
    """A recording to analyse. recorded_at, recorded_at_pattern: as given, or None.

    uri: as `SharedFolders.stored` names it. source_given: whether its owner named the source,
    which makes it another analysis.
    """

    uri: str
    content_hash: str
    source: str
    source_given: bool
    sampling_fps: float | None
    detector: str
    model_version: str
    options: AnalysisOptions
    recorded_at: datetime | None = None
    recorded_at_pattern: str | None = None

    def identity(self) -> str:
        """Equal for equal work: content, sampling, detector, model, and what the owner said."""
        parts = [
            self.content_hash,
            self.sampling_fps,
            self.detector,
            self.model_version,
            asdict(self.options),
            self.source if self.source_given else None,
            self.recorded_at.isoformat() if self.recorded_at else None,
            self.recorded_at_pattern,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def stored_options(self) -> str:
        """What the ingestor and the worker need to know, as the row's JSON."""
        return json.dumps(
            {
                "analysis": asdict(self.options),
                "recorded_at": self.recorded_at.isoformat() if self.recorded_at else None,
                "recorded_at_pattern": self.recorded_at_pattern,
            }
        )


@dataclass(frozen=True, slots=True)
class RunTicket:
    """A run that was found or made for a job. `mine`: this claimant is to do the work."""

    run_pk: int
    run_id: str
    state: RunState
    mine: bool

    @property
    def reused(self) -> bool:
        return self.state is RunState.DONE


def enqueue_file(
    connection: Connection, job: FileJob, *, claimant: str | None, lease_s: float, again: bool
) -> RunTicket:
    """Find the run of equal work, or make one, and claim it. One writing transaction.

    claimant: None leaves it for whichever ingest service claims it first.

    An unfinished or failed run is taken up where it stopped, unless a living claimant has it;
    a finished one is reused unless `again`.
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
        return RunTicket(found.id, found.run_id, state, mine=False)
    if state not in ENDED_STATES and claim_is_alive(found.claimed_by, found.claim_expires_at):
        return RunTicket(found.id, found.run_id, state, mine=False)
    connection.execute(
        update(Run)
        .where(Run.id == found.id)
        .values(
            state=RunState.QUEUED,
            error="",
            uri=job.uri,
            finished_at=None,
            claimed_by=claimant,
            claim_expires_at=utc_now() + timedelta(seconds=lease_s) if claimant else None,
        )
    )
    # A new claimant starts the count of crashes anew: only repeated ones in one go are poison.
    connection.execute(
        update(RunProgress).where(RunProgress.run_pk == found.id).values(attempts=0, holder=None)
    )
    return RunTicket(found.id, found.run_id, RunState.QUEUED, mine=claimant is not None)


def claim_next(
    connection: Connection, *, claimant: str, lease_s: float, folders: SharedFolders
) -> RunTicket | None:
    """Claim the oldest unfinished recording that no living claimant has; None: there is none.

    What lies in a shared folder that this host does not have is left to others.
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
            return RunTicket(run.id, run.run_id, RunState(run.state), mine=True)
    return None


def cancel_run(engine: Engine, run_id: str) -> bool:
    """End an unfinished run; its rows stay. Whether there was something to end.

    The fence grows, so that what its worker still has in hand is not committed. Raises
    RunNotFoundError.
    """
    with transaction(engine) as connection:
        run_pk = run_pk_of(connection, run_id)
        ended = connection.execute(
            update(Run)
            .where(Run.id == run_pk, Run.state.not_in(ENDED_STATES))
            .values(
                state=RunState.CANCELLED,
                error="cancelled",
                finished_at=utc_now(),
                claimed_by=None,
                claim_expires_at=None,
            )
        ).rowcount
        if ended:
            connection.execute(
                update(RunProgress)
                .where(RunProgress.run_pk == run_pk)
                .values(fence=RunProgress.fence + 1)
            )
    return bool(ended)


def retry_run(engine: Engine, run_id: str) -> bool:
    """Queue a failed or cancelled run again: it goes on where it stopped. Whether it was one.

    Raises RunNotFoundError.
    """
    with transaction(engine) as connection:
        lock_queue(connection)
        run_pk = run_pk_of(connection, run_id)
        queued = connection.execute(
            update(Run)
            .where(Run.id == run_pk, Run.state.in_((RunState.FAILED, RunState.CANCELLED)))
            .values(
                state=RunState.QUEUED,
                error="",
                finished_at=None,
                claimed_by=None,
                claim_expires_at=None,
            )
        ).rowcount
        if queued:
            connection.execute(
                update(RunProgress)
                .where(RunProgress.run_pk == run_pk)
                .values(attempts=0, holder=None)
            )
    return bool(queued)


def renew_claims(
    connection: Connection, run_pks: Sequence[int], *, claimant: str, lease_s: float
) -> set[int]:
    """Say that the claimant still works on these runs; those that are still its own."""
    renewed = connection.execute(
        update(Run)
        .where(Run.id.in_(run_pks), Run.claimed_by == claimant)
        .values(claim_expires_at=utc_now() + timedelta(seconds=lease_s))
        .returning(Run.id)
    )
    return set(renewed.scalars())


def run_position(connection: Connection, run_pk: int) -> int:
    """The run's first message that is not committed."""
    return connection.execute(
        select(RunProgress.next_seq).where(RunProgress.run_pk == run_pk)
    ).scalar_one()


def unfinished(connection: Connection, run_pks: Collection[int]) -> set[int]:
    """Those of the runs that have not ended."""
    found = connection.execute(
        select(Run.id).where(Run.id.in_(run_pks), Run.state.not_in(ENDED_STATES))
    )
    return set(found.scalars())


def release_claims(connection: Connection, *, claimant: str) -> None:
    """Give up every unfinished run of the claimant: another may take it up at once."""
    connection.execute(
        update(Run).where(Run.claimed_by == claimant).values(claimed_by=None, claim_expires_at=None)
    )


def fail_run(engine: Engine, run_id: str, error: str) -> None:
    """End a run that cannot go on, with the line that says why. Ended runs stay as they are.

    Raises DatabaseError.
    """
    with transaction(engine) as connection:
        connection.execute(
            update(Run)
            .where(Run.run_id == run_id, Run.state.not_in(ENDED_STATES))
            .values(state=RunState.FAILED, error=error, finished_at=utc_now())
        )


def run_pk_of(connection: Connection, run_id: str) -> int:
    """The key of a run by its public id. Raises RunNotFoundError."""
    run_pk = connection.execute(select(Run.id).where(Run.run_id == run_id)).scalar()
    if run_pk is None:
        raise RunNotFoundError(f"no run {run_id}", hint="`moodline runs list` shows them")
    return run_pk


def _new_run(
    connection: Connection, job: FileJob, claimant: str | None, lease_s: float
) -> RunTicket:
    now = utc_now()
    run_id = f"{now:%y%m%d}-{secrets.token_hex(4)}"
    source_pk = _source_pk(connection, job.source, RunKind.FILE, now)
    run_pk = connection.execute(
        insert(Run)
        .values(
            run_id=run_id,
            source_pk=source_pk,
            identity=job.identity(),
            kind=RunKind.FILE,
            uri=job.uri,
            content_hash=job.content_hash,
            sampling_fps=job.sampling_fps,
            detector=job.detector,
            model_version=job.model_version,
            options=job.stored_options(),
            state=RunState.QUEUED,
            counted=not has_counted(connection, source_pk, job.content_hash),
            queued_at=now,
            claimed_by=claimant,
            claim_expires_at=now + timedelta(seconds=lease_s) if claimant else None,
        )
        .returning(Run.id)
    ).scalar_one()
    connection.execute(insert(RunProgress).values(run_pk=run_pk))
    return RunTicket(run_pk, run_id, RunState.QUEUED, mine=claimant is not None)


def _source_pk(connection: Connection, name: str, kind: str, now: datetime) -> int:
    known = connection.execute(select(Source.id).where(Source.name == name)).scalar()
    if known is not None:
        return known
    return connection.execute(
        insert(Source).values(name=name, kind=kind, created_at=now).returning(Source.id)
    ).scalar_one()
