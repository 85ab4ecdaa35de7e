"""The database schema: upgrade, downgrade, and the revision that a database has.

Alembic is imported only where a migration runs, because it slows down every command's start.
"""
# ruff: noqa: PLC0415

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import DBAPIError

from contracts.errors import DatabaseError
from records.database import database_error, transaction
from records.locks import lock_schema
from records.report_views import drop_views, replace_views

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_REVISION_TABLE: Final = "alembic_version"
_REVISION_QUERY: Final = f"SELECT version_num FROM {_REVISION_TABLE}"  # noqa: S608


def upgrade(engine: Engine) -> None:
    """Bring the schema to this version's revision.

    Safe to call from many processes at once: the check and the change are one transaction, which
    SQLite begins IMMEDIATE and PostgreSQL guards with an advisory lock. An up-to-date schema is
    not locked, so workers keep committing. Raises DatabaseError if the database cannot be reached
    or its schema is newer than this version.
    """
    if _stored_revision(engine) == newest_revision():
        return
    from alembic import command
    from alembic.runtime.migration import MigrationContext

    try:
        with engine.begin() as connection:
            lock_schema(connection)
            current = MigrationContext.configure(connection).get_current_revision()
            known = known_revisions()
            if current == known[0]:
                return
            if current is not None and current not in known:
                raise DatabaseError(
                    f"the database schema {current} is newer than this version of moodline",
                    hint="Upgrade moodline on this host",
                )
            command.upgrade(_alembic_config(connection), "head")
            replace_views(connection)
    except DBAPIError as exc:
        raise database_error(engine, exc) from exc


def downgrade(engine: Engine, revision: str) -> None:
    """Take the schema back to `revision`, and delete what later revisions added.

    revision: "base" removes all tables. Raises DatabaseError if the revision is unknown or the
    database cannot be reached.
    """
    from alembic import command
    from alembic.util import CommandError

    with transaction(engine) as connection:
        lock_schema(connection)
        drop_views(connection)
        try:
            command.downgrade(_alembic_config(connection), revision)
        except CommandError as exc:
            raise DatabaseError(
                f"cannot take the schema back to {revision}: {exc}",
                hint=f"This version knows {', '.join(reversed(known_revisions()))} and base",
            ) from exc


def newest_revision() -> str:
    """Return this version's revision."""
    return known_revisions()[0]


def known_revisions() -> list[str]:
    """Return the revisions that this version knows, newest first, from the file names."""
    names = (path.name for path in (_MIGRATIONS / "versions").glob("[0-9]*_*.py"))
    return sorted((name.partition("_")[0] for name in names), reverse=True)


def schema_revision(engine: Engine) -> str | None:
    """Return the database's revision, or None if it has no tables of moodline.

    Raises DatabaseError if the database cannot be reached.
    """
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(_REVISION_TABLE):
                return None
            found = connection.exec_driver_sql(_REVISION_QUERY).scalar()
            return None if found is None else str(found)
    except DBAPIError as exc:
        raise database_error(engine, exc) from exc


def _stored_revision(engine: Engine) -> str | None:
    """Return the database's revision without Alembic, or None if it cannot be read."""
    try:
        with engine.connect().execution_options(read_only=True) as connection:
            found = connection.exec_driver_sql(_REVISION_QUERY).scalar()
            return None if found is None else str(found)
    except DBAPIError:
        return None


def _alembic_config(connection: Connection | None = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    if connection is not None:
        config.attributes["connection"] = connection
    return config
