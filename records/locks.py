"""Advisory locks that last until the transaction ends.

PostgreSQL only: SQLite has one writing transaction at a time, so it needs none.
"""

from typing import Final

from sqlalchemy import Connection, func, select

_SCHEMA: Final = 7306094
_QUEUE: Final = 7306095
_ROLLUPS: Final = 7306096
_UPLOADS: Final = 7306097


def lock_schema(connection: Connection) -> None:
    """Block other processes from migrating the schema."""
    _lock(connection, _SCHEMA)


def lock_queue(connection: Connection) -> None:
    """Block other processes from enqueuing, claiming or deleting runs.

    Without it, two commands with the same file could both find no run and both create one.
    """
    _lock(connection, _QUEUE)


def lock_uploads(connection: Connection) -> None:
    """Block other processes from starting uploads: together they could take more than there is."""
    _lock(connection, _UPLOADS)


def lock_rollups(connection: Connection) -> None:
    """Block other processes from writing rollups."""
    _lock(connection, _ROLLUPS)


def _lock(connection: Connection, key: int) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(key)))
