"""The audit: who did what, when and from where."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, delete, func, or_, select

from records.audit import is_of_kind, write_audit_entry
from records.audit_actions import Action, Kind
from records.database import transaction
from records.json_columns import decode_audit_details
from records.tables.operations import AuditEntry

_MOST_FAILED: Final = 100_000
"""Entries of failed sign-ins that are kept: anyone can cause them."""
_LAST_ERASURE: Final = select(func.max(AuditEntry.id)).where(is_of_kind(Kind.ERASURE))
"""Built once: it is asked for with each answer that was kept."""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One entry of the audit.

    address: the network address of the actor; "" for a command. details: JSON values whose keys
    depend on the action.
    """

    id: int
    at: datetime
    actor: str
    action: str
    details: Mapping[str, Any]
    address: str = ""


def audit_entries(
    connection: Connection, *, limit: int = 100, kind: Kind | None = None
) -> tuple[AuditLine, ...]:
    """Return the latest entries, newest first. kind: only those of this kind."""
    query = select(AuditEntry.__table__).order_by(AuditEntry.id.desc()).limit(limit)
    if kind is not None:
        query = query.where(is_of_kind(kind))
    return tuple(
        AuditLine(
            row.id, row.at, row.actor, row.action, decode_audit_details(row.details), row.address
        )
        for row in connection.execute(query)
    )


def audit_export(engine: Engine, actor: str, **details: object) -> None:
    """Write that data was exported to a file by a command. Raises DatabaseError."""
    with transaction(engine) as connection:
        write_audit_entry(connection, actor, Action.EXPORTED, details)


def last_erasure(connection: Connection) -> int | None:
    """Return the number of the latest erasure, which changes with each; None before the first."""
    return connection.execute(_LAST_ERASURE).scalar()


def remove_old_entries(
    engine: Engine, before: datetime | None, *, most_failed: int = _MOST_FAILED
) -> int:
    """Delete entries from before that time, and the oldest failed sign-ins if there are too many.

    before: None keeps the rest without a limit. Receipts of erasures are always kept: they prove
    that data was erased. Returns the number of deleted entries. Raises DatabaseError.
    """
    failed = AuditEntry.action.in_({Action.SIGN_IN_FAILED, Action.SIGN_IN_REFUSED})
    newest = select(AuditEntry.id).where(failed).order_by(AuditEntry.id.desc())
    with transaction(engine) as connection:
        first_kept = connection.execute(newest.offset(most_failed).limit(1)).scalar()
        chosen = []
        if first_kept is not None:
            chosen.append(failed & (AuditEntry.id <= first_kept))
        if before is not None:
            chosen.append((AuditEntry.at < before) & ~is_of_kind(Kind.ERASURE))
        if not chosen:
            return 0
        return connection.execute(delete(AuditEntry).where(or_(*chosen))).rowcount
