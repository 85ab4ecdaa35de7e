"""Claims on runs: a claimant renews them while it works, and checks what is left to do."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import Connection, select, update

from contracts.runs import ENDED_STATES
from contracts.times import utc_now
from records.tables.runs import Run, RunProgress


def renew_claims(
    connection: Connection, run_pks: Sequence[int], *, claimant: str, lease_s: float
) -> set[int]:
    """Extend the claims on these runs, and return those that are still the claimant's."""
    renewed = connection.execute(
        update(Run)
        .where(Run.id.in_(run_pks), Run.claimed_by == claimant)
        .values(claim_expires_at=utc_now() + timedelta(seconds=lease_s))
        .returning(Run.id)
    )
    return set(renewed.scalars())


def release_claims(connection: Connection, *, claimant: str) -> None:
    """Give up every run of the claimant, so that another can take them at once."""
    connection.execute(
        update(Run).where(Run.claimed_by == claimant).values(claimed_by=None, claim_expires_at=None)
    )


def next_uncommitted_seq(connection: Connection, run_pk: int) -> int:
    """Return the number of the run's first message that is not committed."""
    return connection.execute(
        select(RunProgress.next_seq).where(RunProgress.run_pk == run_pk)
    ).scalar_one()


def unfinished_runs(connection: Connection, run_pks: Collection[int]) -> set[int]:
    """Return those of the runs that have not ended."""
    found = connection.execute(
        select(Run.id).where(Run.id.in_(run_pks), Run.state.not_in(ENDED_STATES))
    )
    return set(found.scalars())
