"""Traces: what deleted rows leave in the database's files, and how they go.

Every connection to SQLite overwrites what it deletes (`records/database.py`). Two things are left:
pages that held a row before SQLite moved it to another page still have its bytes in their free
space, which only a rewrite of the file (VACUUM) removes; and the write-ahead log has the pages from
before the deletion.
"""

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine

from contracts.errors import DatabaseError

LONGEST_WAIT_S: Final = 20.0
REWRITTEN_AT_ONCE: Final = 256 * 2**20
"""Largest database, in bytes, that is rewritten while others wait to write: some seconds."""
_ATTEMPT_MS: Final = 500
_PAUSE_S: Final = 0.25
_SPARE_BYTES: Final = 2**28
_DUE: Final = 1
"""`PRAGMA user_version` of a database that has to be rewritten. Nothing else uses it."""
_IN_POSTGRESQL: Final = (
    "PostgreSQL's files until they are vacuumed, and its archived log and backups: see "
    "docs/security.md"
)
_IN_FREE_SPACE: Final = (
    "unused space of the database file, until the scheduler's job `maintenance` rewrites it"
)
_IN_LOG: Final = "the write-ahead log of the database, because another process kept reading it"


def remove_traces(
    engine: Engine,
    *,
    largest_bytes: float = REWRITTEN_AT_ONCE,
    later: bool = True,
    longest_wait_s: float = LONGEST_WAIT_S,
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """Remove what deleted rows left; return where it may still be, "" for nowhere.

    later: a database above `largest_bytes` is rewritten by `rewrite_if_due`. Waits for processes
    that read an older state. In PostgreSQL nothing is done: its administrator vacuums. Raises
    DatabaseError.
    """
    if engine.dialect.name != "sqlite":
        return _IN_POSTGRESQL
    remains = []
    if not _rewrite(engine, largest_bytes):
        remains.append(_IN_FREE_SPACE)
        if later:
            _set_due(engine, _DUE)
    until_s = time.monotonic() + longest_wait_s
    while not _empty_log(engine):
        if time.monotonic() >= until_s:
            remains.append(_IN_LOG)
            break
        pause(_PAUSE_S)  # Each attempt keeps writers out; they get in between.
    return ", and ".join(remains)


def rewrite_if_due(engine: Engine) -> bool:
    """Rewrite a SQLite database that was too large after a deletion; return whether it was."""
    if engine.dialect.name != "sqlite":
        return False
    with _cursor(engine) as cursor:
        cursor.execute("PRAGMA user_version")
        (version,) = cursor.fetchone()
    return version == _DUE and not remove_traces(engine, largest_bytes=float("inf"))


def _rewrite(engine: Engine, largest_bytes: float) -> bool:
    """Rewrite the database without unused space; return whether it was possible."""
    with _cursor(engine) as cursor:
        cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        (size,) = cursor.fetchone()
        if size > largest_bytes or not _has_room(engine.url.database, size):
            return False
        try:
            cursor.execute("VACUUM")
        except sqlite3.OperationalError:  # Locked for too long, or no room after all.
            return False
    _set_due(engine, 0)
    return True


def _set_due(engine: Engine, value: int) -> None:
    with _cursor(engine) as cursor:
        cursor.execute(f"PRAGMA user_version={value}")


def _has_room(database: str | None, size: int) -> bool:
    """Return whether the disk has room for the copy of the database that the log will hold."""
    if not database or database == ":memory:":
        return True
    return shutil.disk_usage(Path(database).absolute().parent).free > 2 * size + _SPARE_BYTES


def _empty_log(engine: Engine) -> bool:
    """Return whether the log could be copied into the database and truncated."""
    with _cursor(engine) as cursor:
        cursor.execute("PRAGMA busy_timeout")
        (usual_ms,) = cursor.fetchone()
        cursor.execute(f"PRAGMA busy_timeout={_ATTEMPT_MS}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            busy, *_ = cursor.fetchone()
        finally:
            cursor.execute(f"PRAGMA busy_timeout={usual_ms}")
        return not busy


@contextmanager
def _cursor(engine: Engine) -> Iterator[Any]:
    """Yield a cursor outside of any transaction: neither statement works in one."""
    try:
        with closing(engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
            yield cursor
    except sqlite3.OperationalError as exc:
        raise DatabaseError(
            f"cannot remove the traces of deleted rows: {exc}",
            hint="Delete again when the disk has room and no other program locks the database",
        ) from exc
