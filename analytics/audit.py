"""What was done to the records and who did it, for people to read."""

import json
from typing import Any

from sqlalchemy import Engine, select

from analytics.snapshots import snapshot
from records.tables.operations import AuditEntry


def audit_entries(engine: Engine, *, limit: int = 100) -> list[dict[str, Any]]:
    """The audit, the newest first: id, at, actor, action, details."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    with snapshot(engine) as connection:
        return [
            {
                "id": row.id,
                "at": row.at,
                "actor": row.actor,
                "action": row.action,
                "details": json.loads(row.details),
            }
            for row in connection.execute(query)
        ]
