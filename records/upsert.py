"""INSERT ... ON CONFLICT for SQLite and PostgreSQL."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from records.tables.base import Base

Upsert = sqlite.Insert | postgresql.Insert


def upsert(connection: Connection, table: type[Base] | Table) -> Upsert:
    """Return an INSERT into `table` that supports ON CONFLICT in the connection's dialect."""
    return upsert_for_dialect(connection.dialect.name, table)


def upsert_for_dialect(dialect: str, table: type[Base] | Table) -> Upsert:
    """Return the same by dialect name, for statements that are built once and cached."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
