"""The schema of new SQLite databases, copied from one that the migrations made.

The migrations take a third of a second for each new database, and tests make hundreds.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

_migrate = command.upgrade
_sources: list[Callable[[], Path]] = []


@contextmanager
def copied_schema(made: Callable[[], Path]) -> Iterator[None]:
    """Let `records.schema.upgrade` copy the schema of a database into new SQLite databases.

    made: returns a database with the newest schema; called when it is first needed. Other
    databases are migrated as always.
    """

    def upgrade(config: Config, revision: str, **options: Any) -> None:
        connection: Connection = config.attributes["connection"]
        if connection.dialect.name != "sqlite" or not _is_new(connection):
            _migrate(config, revision, **options)
            return
        for statement in _statements(made()):
            connection.exec_driver_sql(statement)

    _sources.append(made)
    with patch.object(command, "upgrade", upgrade):
        yield
    _sources.pop()


def schema_to_copy() -> Path | None:
    """The database from which new ones get their schema, for another process. None: migrate."""
    return _sources[-1]() if _sources else None


@contextmanager
def migrated_schema() -> Iterator[None]:
    """Let the migrations make new databases, as outside of the tests."""
    with patch.object(command, "upgrade", _migrate):
        yield


def _is_new(connection: Connection) -> bool:
    return not connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar()


@cache
def _statements(made: Path) -> list[str]:
    """The statements that make the tables and indexes, and note the revision."""
    with closing(sqlite3.connect(f"file:{made}?mode=ro", uri=True)) as records:
        found = records.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'view' ORDER BY rowid"
        )
        (revision,) = records.execute("SELECT version_num FROM alembic_version").fetchone()
        statements = [sql for (sql,) in found]
    return [*statements, f"INSERT INTO alembic_version VALUES ('{revision}')"]
