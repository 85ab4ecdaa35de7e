"""Snapshots: read-only transactions in which every query sees the same moment.

The read functions of this package take an open connection, so that all parts of one answer come
from one snapshot. `snapshot` opens it for several reads, `in_snapshot` for a single one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from contracts.errors import DatabaseError
from records.database import reading

_Parameters = ParamSpec("_Parameters")
_Answer = TypeVar("_Answer")


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Open a read-only connection. Close it soon: an open SQLite reader makes the WAL grow.

    Raises DatabaseError if the database cannot be used.
    """
    options: dict[str, object] = {}
    if engine.dialect.name == "postgresql":
        # The default level would show each statement a later moment than the one before it.
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with reading(engine, **options) as connection:
        yield connection


def in_snapshot(
    engine: Engine,
    read: Callable[Concatenate[Connection, _Parameters], _Answer],
    *args: _Parameters.args,
    **kwargs: _Parameters.kwargs,
) -> _Answer:
    """Return `read(connection, *args, **kwargs)` from a snapshot of its own.

    If its connection breaks, because the server has restarted or the snapshot was idle for too
    long, it reads once more, from a new snapshot.

    Raises DatabaseError if the database cannot be used, and whatever `read` raises.
    """
    try:
        with snapshot(engine) as connection:
            return read(connection, *args, **kwargs)
    except DatabaseError as exc:
        cause = exc.__cause__
        if not (isinstance(cause, DBAPIError) and cause.connection_invalidated):
            raise
    with snapshot(engine) as connection:
        return read(connection, *args, **kwargs)
