"""Engines and the schema: SQLite with the settings that keep it whole, or PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SQLiteConnection
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
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

if TYPE_CHECKING:
    from alembic.config import Config

_BUSY_TIMEOUT_S: Final = 30
_CONNECT_TIMEOUT_S: Final = 5
_MIGRATIONS: Final = str(Path(__file__).parent / "migrations")
_VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"
_URL_HINT: Final = (
    "Give MOODLINE_DATABASE_URL as postgresql://USER:PASSWORD@HOST/NAME or sqlite:////PATH"
)


def open_engine(url: str) -> Engine:
    """An engine for `url`; nothing is connected yet. Raises DatabaseError for a bad URL."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite_engine(url, parsed.database)
        return create_engine(
            parsed,
            pool_pre_ping=True,
            connect_args={"connect_timeout": _CONNECT_TIMEOUT_S},
        )
    except (ArgumentError, NoSuchModuleError, ValueError) as exc:
        raise DatabaseError(f"not a database URL: {redact(url)}", hint=_URL_HINT) from exc
    except ModuleNotFoundError as exc:
        raise DatabaseError(
            f"the driver for {redact(url)} is not installed ({exc.name})",
            hint="Install moodline[postgres]",
        ) from exc


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A writing transaction. Raises DatabaseError where the database is at fault.

    Unreachable, full, locked, shutting down: worth another try later. What the statement itself
    got wrong comes out as SQLAlchemy raised it.
    """
    with _named_errors(engine), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine, **options: object) -> Iterator[Connection]:
    """A read-only transaction, which takes no lock. Raises DatabaseError as `transaction`.

    options: SQLAlchemy's execution options.
    """
    with (
        _named_errors(engine),
        engine.connect().execution_options(read_only=True, **options) as connection,
    ):
        yield connection


@contextmanager
def _named_errors(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, InternalError) as exc:
        raise database_error(engine, exc) from exc


def upgrade(engine: Engine) -> None:
    """Bring the schema to this version's. Raises DatabaseError when it cannot be reached.

    Safe to call from many processes at once: the check and the change are one transaction,
    which SQLite begins IMMEDIATE and PostgreSQL guards with an advisory lock. Where nothing is to
    be done, nothing is locked: workers commit meanwhile.
    """
    if _stored_revision(engine) == newest_revision():
        return
    from alembic import command
    from alembic.runtime.migration import MigrationContext

    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7306094)")
            current = MigrationContext.configure(connection).get_current_revision()
            known = revisions()
            if current == known[0]:
                return
            if current is not None and current not in known:
                raise DatabaseError(
                    f"the database is of a newer moodline (schema {current})",
                    hint="Upgrade moodline on this host",
                )
            command.upgrade(_alembic_config(connection), "head")
    except DBAPIError as exc:
        raise database_error(engine, exc) from exc


def downgrade(engine: Engine, revision: str) -> None:
    """Take the schema back to `revision` ("base": no table at all). What it added is lost.

    Raises DatabaseError, also for a revision that this version does not know.
    """
    from alembic import command
    from alembic.util import CommandError

    with transaction(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7306094)")
        try:
            command.downgrade(_alembic_config(connection), revision)
        except CommandError as exc:
            raise DatabaseError(
                f"cannot take the schema back to {revision}: {exc}",
                hint=f"This version knows {', '.join(reversed(revisions()))} and base",
            ) from exc


def _stored_revision(engine: Engine) -> str | None:
    """What the database says of its schema; None where it says nothing, for whatever reason."""
    try:
        with engine.connect().execution_options(read_only=True) as connection:
            found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
            return None if found is None else str(found)
    except DBAPIError:
        return None


def newest_revision() -> str:
    """This version's schema, by the names of its migrations: "0002" of 0002_live_sources.py."""
    return max(path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*_*.py"))


def revisions() -> list[str]:
    """The schema's revisions that this version knows, the newest first."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]


def schema_revision(engine: Engine) -> str | None:
    """The schema's revision in the database, None when it has no tables of ours."""
    from alembic.runtime.migration import MigrationContext

    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except DBAPIError as exc:
        raise database_error(engine, exc) from exc


def database_error(engine: Engine, cause: DBAPIError) -> DatabaseError:
    """`cause` as one line without credentials."""
    reason = str(cause.orig or cause).strip().splitlines()
    return DatabaseError(
        f"cannot use the database {redact(str(engine.url))}: "
        f"{redact(reason[0]) if reason else 'no reason given'}",
        hint=_reach_hint(engine),
    )


def _reach_hint(engine: Engine) -> str:
    if engine.dialect.name == "sqlite":
        return "Check that its folder exists, is writable and has space (MOODLINE_HOME)"
    return "Check that it runs, and the host, name and password in MOODLINE_DATABASE_URL"


def _alembic_config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    config.attributes["connection"] = connection
    return config


def _sqlite_engine(url: str, database: str | None) -> Engine:
    if database and database != ":memory:":
        try:
            Path(database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise DatabaseError(
                f"cannot make the folder {Path(database).parent}: {exc.strerror}",
                hint="Set MOODLINE_HOME to a folder that you can write to",
            ) from exc
    engine = create_engine(url, connect_args={"timeout": _BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def configure(connection: SQLiteConnection, _record: ConnectionPoolEntry) -> None:
        # The driver's own transaction control is off: `begin` below decides.
        connection.isolation_level = None
        cursor = connection.cursor()
        # Takes effect only before the first table; later deletes can then give space back. Asked
        # of a database that is not empty, it would wait for whoever writes.
        if not cursor.execute("PRAGMA page_count").fetchone()[0]:
            cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that turns to writing fails at once when another writes;
        # an immediate one waits its turn. Readers say so and take no lock.
        read_only = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine
