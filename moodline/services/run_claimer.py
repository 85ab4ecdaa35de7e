"""The claimer: takes the oldest queued recording that no living process has claimed."""

import time
from typing import Final

import structlog
from sqlalchemy import Engine

from contracts.errors import DatabaseError
from contracts.settings import Settings
from moodline.stack.stack import Stack
from records.database import transaction
from records.runs.queue import claim_next

log = structlog.get_logger()

_CLAIM_EVERY_S: Final = 0.5


class RunClaimer:
    """Claims queued runs for a stack. trouble: why no run can be claimed now, or ""."""

    def __init__(self, settings: Settings, engine: Engine, stack: Stack) -> None:
        self.trouble = ""
        self._lease_s = settings.lease_s
        self._folders = settings.shared_folders
        self._engine = engine
        self._stack = stack
        self._next = 0.0

    def step(self) -> None:
        """Claim one run and submit it; if none is queued, query again after half a second."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _CLAIM_EVERY_S
        try:
            with transaction(self._engine) as connection:
                ticket = claim_next(
                    connection,
                    claimant=self._stack.claimant,
                    lease_s=self._lease_s,
                    folders=self._folders,
                )
        except DatabaseError as exc:
            self.trouble = exc.line()
            return
        self.trouble = ""
        if ticket is not None:
            log.info("run claimed", run=ticket.run_id)
            self._stack.submit(ticket.run_id, ticket.run_pk)
            self._next = 0.0
