"""INSERT ... ON CONFLICT for SQLite and PostgreSQL."""

from typing import Any, Final

from sqlalchemy import (
    Connection,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

_INSERT: Final = {"sqlite": sqlite_insert, "postgresql": postgresql_insert}


def upsert(connection: Connection, table: Any) -> Any:
    """An INSERT of this database's kind, which knows ON CONFLICT."""
    return upsert_of(connection.dialect.name, table)


def upsert_of(dialect: str, table: Any) -> Any:
    """The same by the name of the kind, for statements that are built once."""
    return _INSERT[dialect](table)
