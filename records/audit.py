"""Writes down what somebody did that cannot be seen in the records themselves."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert

from contracts.times import utc_now
from records.tables.operations import AuditEntry


def write_audit(connection: Connection, actor: str, action: str, details: Mapping[str, Any]) -> int:
    """Add an entry, part of the transaction that does it; its number."""
    return int(
        connection.execute(
            insert(AuditEntry)
            .values(at=utc_now(), actor=actor, action=action, details=json.dumps(details))
            .returning(AuditEntry.id)
        ).scalar_one()
    )
