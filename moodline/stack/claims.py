"""The runs that this process has claimed in SQL: kept, given up, ended when they cannot go on."""

import time
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import Engine

from contracts.errors import DatabaseError
from records.database import reading, transaction
from records.runs.queue import fail_run, release_claims, renew_claims, run_position, unfinished
from runtime.process_identity import claimant_name

log = structlog.get_logger()

_RENEW_EVERY: Final = 4
"""Claims are renewed that many times within their lease."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A run that is no longer this process's. lost: another claimed it; else it has ended."""

    run_id: str
    lost: bool


class Claims:
    """Outlives the database: `trouble` says what keeps it from renewing now, or ""."""

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
        """A run that was enqueued or claimed under this claimant."""
        self._run_pks[run_id] = run_pk

    def drop(self, run_id: str) -> None:
        """A run that needs no more renewing."""
        self._run_pks.pop(run_id, None)

    def fail(self, run_id: str, reason: str) -> None:
        """End the run, with the next `renew` that reaches the database."""
        self._failures[run_id] = reason
        self._next_renewal = 0.0

    def renew(self) -> list[Gone]:
        """Say that the runs are still worked on, when it is time; those that are gone."""
        if time.monotonic() < self._next_renewal:
            return []
        # As often while the database is away: the claims must not run out when it is back.
        self._next_renewal = time.monotonic() + self._lease_s / _RENEW_EVERY
        try:
            self._end_failed()
            gone = self._renewed()
        except DatabaseError as exc:
            self.trouble = exc.line()
            return []
        self.trouble = ""
        return gone

    def position(self, run_id: str) -> int | None:
        """The run's first uncommitted message; None while the database does not say."""
        try:
            with reading(self._engine) as connection:
                return run_position(connection, self._run_pks[run_id])
        except DatabaseError:
            return None

    def release(self) -> None:
        """Give up every claim: others may take the runs up at once."""
        try:
            with transaction(self._engine) as connection:
                release_claims(connection, claimant=self.claimant)
        except DatabaseError as exc:
            # They run out by themselves.
            log.warning("could not give up the claims", reason=exc.line())

    def _end_failed(self) -> None:
        for run_id, reason in list(self._failures.items()):
            fail_run(self._engine, run_id, reason)
            del self._failures[run_id]
            self.drop(run_id)

    def _renewed(self) -> list[Gone]:
        if not self._run_pks:
            return []
        run_pks = list(self._run_pks.values())
        with transaction(self._engine) as connection:
            mine = renew_claims(connection, run_pks, claimant=self.claimant, lease_s=self._lease_s)
            lost = unfinished(connection, set(run_pks) - mine)
        gone = [
            Gone(run_id, run_pk in lost)
            for run_id, run_pk in self._run_pks.items()
            if run_pk not in mine
        ]
        for one in gone:
            self.drop(one.run_id)
        return gone
