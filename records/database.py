"""Database engines and transactions, for SQLite and PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from sqlite3 import Connection as SQLiteConnection
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    InternalError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.pool import ConnectionPoolEntry

from contracts.errors import DatabaseError
from contracts.redaction import redact
from runtime.files.file_locks import lock_failure

_BUSY_TIMEOUT_S: Final = 30
_CONNECT_TIMEOUT_S: Final = 5
_IDLE_S: Final = 30
"""A process that is frozen, or a host that is gone, in the middle of a transaction holds its locks
so long: less than the stall guard leaves to those that wait for them. PostgreSQL has no limit."""
_URL_HINT: Final = (
    "Give MOODLINE_DATABASE_URL as postgresql://USER:PASSWORD@HOST/NAME or sqlite:////PATH"
)


def open_engine(url: str) -> Engine:
    """Return an engine for `url`, without connecting yet.

    Raises DatabaseError if the URL is invalid, its driver is not installed, or the folder of a
    SQLite file cannot be created or has no file locks.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite_engine(url, parsed.database)
        engine = create_engine(
            parsed,
            pool_pre_ping=True,
            connect_args={"connect_timeout": _CONNECT_TIMEOUT_S},
        )
        event.listen(engine, "connect", _limit_idle_transactions)
    except (ArgumentError, NoSuchModuleError, ValueError) as exc:
        raise DatabaseError(f"invalid database URL: {redact(url)}", hint=_URL_HINT) from exc
    except ModuleNotFoundError as exc:
        raise DatabaseError(
            f"the driver for {redact(url)} is not installed ({exc.name})",
            hint="Install moodline[postgres]",
        ) from exc
    return engine


_joined: ContextVar[tuple[Engine, Connection] | None] = ContextVar("moodline_joined", default=None)


@contextmanager
def one_transaction(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that `transaction` and `reading` join inside the block, in this thread.

    What the block does happens as a whole, or not at all. Raises DatabaseError as `transaction`.
    """
    with _translated_errors(engine), engine.begin() as connection:
        token = _joined.set((engine, connection))
        try:
            yield connection
        finally:
            _joined.reset(token)


def _joined_connection(engine: Engine) -> Connection | None:
    joined = _joined.get()
    return joined[1] if joined is not None and joined[0] is engine else None


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Open a writing transaction, committed at the end of the block.

    Raises DatabaseError if the database is unreachable, full, locked or shutting down: the caller
    may retry. Errors in the statement itself stay SQLAlchemy's own exceptions.
    """
    if (joined := _joined_connection(engine)) is not None:
        yield joined
        return
    with _translated_errors(engine), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine, **options: object) -> Iterator[Connection]:
    """Open a read-only transaction, which takes no lock.

    options: SQLAlchemy execution options. Raises DatabaseError as `transaction` does.
    """
    if (joined := _joined_connection(engine)) is not None:
        yield joined
        return
    with (
        _translated_errors(engine),
        engine.connect().execution_options(read_only=True, **options) as connection,
    ):
        yield connection


def database_error(engine: Engine, cause: DBAPIError) -> DatabaseError:
    """Return a DatabaseError that names the cause in one line, without credentials."""
    reason = str(cause.orig or cause).strip().splitlines()
    return DatabaseError(
        f"cannot use the database {redact(str(engine.url))}: "
        f"{redact(reason[0]) if reason else 'no reason given'}",
        hint=_connection_hint(engine),
    )


@contextmanager
def _translated_errors(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, InternalError) as exc:
        raise database_error(engine, exc) from exc


def _connection_hint(engine: Engine) -> str:
    if engine.dialect.name == "sqlite":
        return "Check that its folder exists, is writable and has free space (MOODLINE_HOME)"
    return (
        "Check that the server is running, and the host, name and password in MOODLINE_DATABASE_URL"
    )


def _limit_idle_transactions(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    # Not an option of the connection: connection poolers refuse those. A limit of the database or
    # of its user stays.
    name = "idle_in_transaction_session_timeout"
    cursor = connection.cursor()
    cursor.execute(
        f"SELECT set_config('{name}', '{_IDLE_S}s', false) WHERE current_setting('{name}') = '0'"
    )
    cursor.close()
    connection.commit()


def _sqlite_engine(url: str, database: str | None) -> Engine:
    if database and database != ":memory:":
        folder = Path(database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise DatabaseError(
                f"cannot create the folder {folder}: {exc.strerror}",
                hint="Set MOODLINE_HOME to a folder that you can write to",
            ) from exc
        if reason := lock_failure(folder):
            # SQLite would wait for a lock until its timeout.
            raise DatabaseError(
                f"cannot lock files in {folder}: {reason}",
                hint="Set MOODLINE_HOME to a folder on a file system with locks, as a local one",
            )
    engine = create_engine(url, connect_args={"timeout": _BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: SQLiteConnection, _record: ConnectionPoolEntry) -> None:
    # Turns off the driver's own transaction control: `_begin_sqlite` opens the transactions.
    connection.isolation_level = None
    cursor = connection.cursor()
    # auto_vacuum takes effect only before the first table; it lets later deletes give space back.
    # On a database with tables, setting it would wait for the current writer.
    if not cursor.execute("PRAGMA page_count").fetchone()[0]:
        cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA secure_delete=ON")  # Erased rows are overwritten, not only unlinked.
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that starts to write fails at once while another one writes; an
    # immediate transaction waits. Read-only transactions take no lock.
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
