"""Snapshots of a real PostgreSQL whose connections break."""

import pytest
from sqlalchemy import Connection, text

from analytics.snapshots import in_snapshot
from contracts.errors import DatabaseError
from records.database import open_engine

SERVER_PROCESS = text("SELECT pg_backend_pid()")
END = text("SELECT pg_terminate_backend(pg_backend_pid())")


def test_a_read_whose_connection_breaks_is_done_once_more(postgresql_database: str) -> None:
    engine = open_engine(postgresql_database)
    seen: list[int] = []

    def read(connection: Connection, ends: int) -> int:
        seen.append(connection.execute(SERVER_PROCESS).scalar_one())
        if len(seen) <= ends:
            connection.execute(END)
        return seen[-1]

    assert in_snapshot(engine, read, 1) == seen[1] != seen[0]
    seen.clear()
    with pytest.raises(DatabaseError):
        in_snapshot(engine, read, 9)
    assert len(seen) == 2
    engine.dispose()


def test_a_refused_statement_is_not_repeated(postgresql_database: str) -> None:
    engine = open_engine(postgresql_database)
    asked: list[Connection] = []

    def write(connection: Connection) -> None:
        asked.append(connection)
        connection.execute(text("CREATE TABLE of_a_reader (n INTEGER)"))

    with pytest.raises(DatabaseError):
        in_snapshot(engine, write)
    assert len(asked) == 1
    engine.dispose()
