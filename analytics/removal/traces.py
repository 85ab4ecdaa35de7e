"""Traces: what deleted rows leave in the database's files, and how they go.

Every connection to SQLite overwrites what it deletes (`records/database.py`). What is left is the
write-ahead log: it still holds the pages from before the deletion.
"""

import time
from collections.abc import Callable
from contextlib import closing
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from records.database import database_error

LONGEST_WAIT_S: Final = 20.0
_ATTEMPT_MS: Final = 500
_PAUSE_S: Final = 0.25
_IN_POSTGRESQL: Final = (
    "PostgreSQL's files until they are vacuumed, and its archived log and backups: see "
    "docs/security.md"
)
_IN_LOG: Final = "the write-ahead log of the database, because another process kept reading it"


def remove_traces(
    engine: Engine,
    *,
    longest_wait_s: float = LONGEST_WAIT_S,
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """Empty SQLite's write-ahead log; return where deleted rows may still be, "" for nowhere.

    Waits for processes that read an older state. In PostgreSQL nothing is done: its administrator
    vacuums. Raises DatabaseError.
    """
    if engine.dialect.name != "sqlite":
        return _IN_POSTGRESQL
    until_s = time.monotonic() + longest_wait_s
    while not _empty_log(engine):
        if time.monotonic() >= until_s:
            return _IN_LOG
        pause(_PAUSE_S)  # Each attempt keeps writers out; they get in between.
    return ""


def _empty_log(engine: Engine) -> bool:
    """Return whether the log could be copied into the database and truncated."""
    try:
        with closing(engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
            (usual_ms,) = cursor.execute("PRAGMA busy_timeout").fetchone()
            cursor.execute(f"PRAGMA busy_timeout={_ATTEMPT_MS}")
            try:
                busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                cursor.execute(f"PRAGMA busy_timeout={usual_ms}")
            return not busy
    except OperationalError as exc:
        raise database_error(engine, exc) from exc
