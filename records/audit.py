"""The audit log: changes that cannot be seen in the records themselves, such as an erasure."""

from collections.abc import Mapping

from sqlalchemy import Connection, insert

from contracts.times import utc_now
from records.json_columns import encode_audit_details
from records.tables.operations import AuditEntry


def write_audit_entry(
    connection: Connection, actor: str, action: str, details: Mapping[str, object]
) -> int:
    """Add an entry in the transaction that makes the change, and return its id.

    details: JSON-serialisable values.
    """
    return connection.execute(
        insert(AuditEntry)
        .values(at=utc_now(), actor=actor, action=action, details=encode_audit_details(details))
        .returning(AuditEntry.id)
    ).scalar_one()
