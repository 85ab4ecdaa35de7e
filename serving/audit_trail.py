"""The audit trail of the pages: the entries of what a signed-in user does or looks at."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

import structlog
from sqlalchemy import Engine

from contracts.errors import DatabaseError
from records.audit import actor_address, write_audit_entry
from records.audit_actions import Action
from records.database import transaction
from serving.access import current_account

log = structlog.get_logger()

_OPENED_S: Final = 3600.0
_EXPORTED_S: Final = 60.0
_MAX_KEYS: Final = 10_000


@dataclass(slots=True)
class AuditTrail:
    """Writes entries for the account and the address of the current request. Threads may share it.

    If the database cannot be written, as on a full disk, the entry is in the log only: people can
    still read.
    """

    engine: Engine
    clock: Callable[[], float] = time.monotonic
    _written: OrderedDict[tuple[str, ...], float] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def write(self, action: Action, **details: object) -> None:
        """Write an entry."""
        write_entry(self.engine, current_account().actor, action, details)

    def write_opened(self, action: Action, **details: object) -> None:
        """Write an entry, unless this user opened the same from the same address within an hour.

        A browser asks for the parts of a video, and for the live view, again and again.
        """
        if self._is_new(action, details, _OPENED_S):
            self.write(action, **details)

    def write_exported(self, **details: object) -> None:
        """Write an entry, unless the same user exported the same within a minute."""
        if self._is_new(Action.EXPORTED, details, _EXPORTED_S):
            self.write(Action.EXPORTED, **details)

    def _is_new(self, action: Action, details: Mapping[str, object], within_s: float) -> bool:
        key = (current_account().actor, actor_address(), action, *map(str, details.values()))
        now_s = self.clock()
        with self._lock:
            written_s = self._written.get(key)
            if written_s is not None and now_s - written_s < within_s:
                return False
            self._written[key] = now_s
            self._written.move_to_end(key)
            while len(self._written) > _MAX_KEYS:
                self._written.popitem(last=False)
        return True


def write_entry(engine: Engine, actor: str, action: Action, details: Mapping[str, object]) -> int:
    """Write an entry, and return its number; 0 if it is in the log only."""
    try:
        with transaction(engine) as connection:
            return write_audit_entry(connection, actor, action, details)
    except DatabaseError as exc:
        log.warning(
            "the audit cannot be written",
            reason=exc.line(),
            actor=actor,
            address=actor_address(),
            action=action,
            details=dict(details),
        )
        return 0
