"""The claims of this process on runs: renewed, released, and runs failed that cannot continue."""

import time
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import Engine

from contracts.errors import DatabaseError
from records.database import reading, transaction
from records.runs.claims import next_uncommitted_seq, release_claims, renew_claims, unfinished_runs
from records.runs.state_changes import fail_run
from runtime.process_identity import claimant_name

log = structlog.get_logger()

_RENEW_EVERY: Final = 4
"""The number of renewals of a claim within its lease."""


@dataclass(frozen=True, slots=True)
class EndedClaim:
    """A run that this process no longer claims. taken_over: by another; otherwise it has ended."""

    run_id: str
    taken_over: bool


class Claims:
    """The claimed runs, which survive a database that is away.

    trouble: why the claims cannot be renewed now, or "".
    """

    def __init__(self, engine: Engine, lease_s: float) -> None:
        self.claimant = claimant_name()
        self.trouble = ""
        self._engine = engine
        self._lease_s = lease_s
        self._run_pks: dict[str, int] = {}
        self._failures: dict[str, str] = {}
        self._next_renewal = 0.0

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._run_pks

    def add(self, run_id: str, run_pk: int) -> None:
        """Renew the claim on a run that was enqueued or claimed under this claimant."""
        self._run_pks[run_id] = run_pk

    def drop(self, run_id: str) -> None:
        """Stop renewing the claim on a run."""
        self._run_pks.pop(run_id, None)

    def fail(self, run_id: str, reason: str) -> None:
        """End the run as failed, at the next `renew` that reaches the database."""
        self._failures[run_id] = reason
        self._next_renewal = 0.0

    def renew(self) -> list[EndedClaim]:
        """Renew the claims if it is time; return those that this process no longer holds."""
        if time.monotonic() < self._next_renewal:
            return []
        # As often while the database is away: the claims must not expire once it is back.
        self._next_renewal = time.monotonic() + self._lease_s / _RENEW_EVERY
        try:
            self._end_failed()
            ended = self._renewed()
        except DatabaseError as exc:
            self.trouble = exc.line()
            return []
        self.trouble = ""
        return ended

    def position(self, run_id: str) -> int | None:
        """Return the seq of the run's first uncommitted message; None if the database is away."""
        try:
            with reading(self._engine) as connection:
                return next_uncommitted_seq(connection, self._run_pks[run_id])
        except DatabaseError:
            return None

    def release(self) -> None:
        """Release all claims, so that other processes can claim the runs at once."""
        try:
            with transaction(self._engine) as connection:
                release_claims(connection, claimant=self.claimant)
        except DatabaseError as exc:
            # They expire by themselves.
            log.warning("cannot release the claims", reason=exc.line())

    def _end_failed(self) -> None:
        for run_id, reason in list(self._failures.items()):
            fail_run(self._engine, run_id, reason)
            del self._failures[run_id]
            self.drop(run_id)

    def _renewed(self) -> list[EndedClaim]:
        if not self._run_pks:
            return []
        run_pks = list(self._run_pks.values())
        with transaction(self._engine) as connection:
            kept = renew_claims(connection, run_pks, claimant=self.claimant, lease_s=self._lease_s)
            taken_over = unfinished_runs(connection, set(run_pks) - kept)
        ended = [
            EndedClaim(run_id, run_pk in taken_over)
            for run_id, run_pk in self._run_pks.items()
            if run_pk not in kept
        ]
        for one in ended:
            self.drop(one.run_id)
        return ended
