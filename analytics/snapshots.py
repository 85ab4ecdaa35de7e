"""Snapshot: one read-only transaction, in which all queries see the same moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from records.database import reading


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that only reads. Keep it short: an open SQLite reader makes the WAL grow.

    Raises DatabaseError when the database cannot be used.
    """
    options: dict[str, object] = {}
    if engine.dialect.name == "postgresql":
        # Otherwise each statement there would see a later moment than the one before it.
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with reading(engine, **options) as connection:
        yield connection
