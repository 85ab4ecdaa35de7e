"""The audit: who changed the records, when, and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from records.json_columns import decode_audit_details
from records.tables.operations import AuditEntry


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One entry of the audit. details: JSON values whose keys depend on the action."""

    id: int
    at: datetime
    actor: str
    action: str
    details: Mapping[str, Any]


def audit_entries(connection: Connection, *, limit: int = 100) -> tuple[AuditLine, ...]:
    """Return the latest entries, newest first."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    return tuple(
        AuditLine(row.id, row.at, row.actor, row.action, decode_audit_details(row.details))
        for row in connection.execute(query)
    )
