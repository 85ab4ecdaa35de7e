"""Locks that last until the transaction ends: the queue of runs, and the rollups."""

from sqlalchemy import Connection


def lock_queue(connection: Connection) -> None:
    """Until the transaction ends, no other process enqueues, claims or deletes a run.

    Two commands with the same file must not both find nothing and both make a run. SQLite's
    writing transactions exclude each other anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7306095)")


def lock_rollups(connection: Connection) -> None:
    """Until the transaction ends, nobody else writes rollups. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7306096)")
