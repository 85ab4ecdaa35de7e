"""INSERT ... ON CONFLICT for SQLite and PostgreSQL."""

from typing import TYPE_CHECKING

from sqlalchemy import Connection, Table

from records.tables.base import Base

if TYPE_CHECKING:  # Each dialect is imported where it is used: PostgreSQL's is slow to import.
    from sqlalchemy.dialects import postgresql, sqlite

    Upsert = sqlite.Insert | postgresql.Insert


def upsert(connection: Connection, table: type[Base] | Table) -> "Upsert":
    """Return an INSERT into `table` that supports ON CONFLICT in the connection's dialect."""
    return upsert_for_dialect(connection.dialect.name, table)


def upsert_for_dialect(dialect: str, table: type[Base] | Table) -> "Upsert":
    """Return the same by dialect name, for statements that are built once and cached."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)
