"""Sign-ins in the audit. Anyone can fail to sign in, so failures are counted and bounded."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from sqlalchemy import Engine

from contracts.errors import DatabaseError
from records.audit import actor_address, update_audit_entry
from records.audit_actions import Action
from records.database import transaction
from serving.audit_trail import write_entry

NOBODY: Final = "not signed in"
_WINDOW_S: Final = 60.0
_MAX_NAME: Final = 64
_MAX_ENTRIES: Final = 20
"""Entries of failures in a minute; further names and addresses share one more."""
_COUNTED_ONE_BY_ONE: Final = 64


@dataclass(slots=True)
class _Failures:
    """number: of the entry in the audit; 0 until it is written, or if it cannot be."""

    number: int = 0
    count: int = 0


@dataclass(slots=True)
class SignInAudit:
    """Writes sign-ins, and failed ones as one entry per minute, name and address with a count.

    The count is exact up to 64 attempts, then it is written at every doubling: an attacker fills
    neither the disk nor the database's queue. Threads may share it.
    """

    engine: Engine
    clock: Callable[[], float] = time.monotonic
    _window_from_s: float = 0.0
    _failures: dict[tuple[Action, str, str], _Failures] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def signed_in(self, name: str) -> None:
        """A user signed in."""
        write_entry(self.engine, name, Action.SIGNED_IN, {})

    def signed_out(self, name: str) -> None:
        """A user signed out."""
        write_entry(self.engine, name, Action.SIGNED_OUT, {})

    def failed(self, name: str) -> None:
        """A name, a password or a code was wrong."""
        self._count(Action.SIGN_IN_FAILED, name)

    def refused(self, name: str) -> None:
        """An attempt was refused unread, because there were too many before it."""
        self._count(Action.SIGN_IN_REFUSED, name)

    def _count(self, action: Action, name: str) -> None:
        name, address = name.strip().lower()[:_MAX_NAME], actor_address()
        with self._lock:
            if self.clock() - self._window_from_s >= _WINDOW_S:
                self._window_from_s = self.clock()
                self._failures.clear()
            key = (action, name, address)
            if key not in self._failures and len(self._failures) >= _MAX_ENTRIES:
                name, key = "others", (action, "", "")
            known = self._failures.setdefault(key, _Failures())
            known.count += 1
            count = known.count
        if count == 1:
            details = {"user": name, "attempts": count}
            known.number = write_entry(self.engine, NOBODY, action, details)
        elif known.number and (count <= _COUNTED_ONE_BY_ONE or count & (count - 1) == 0):
            self._update(known.number, name, count)

    def _update(self, number: int, name: str, count: int) -> None:
        try:
            with transaction(self.engine) as connection:
                update_audit_entry(connection, number, {"user": name, "attempts": count})
        except DatabaseError:
            return  # The first attempt is in the log.
