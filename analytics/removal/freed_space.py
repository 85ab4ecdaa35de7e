"""Database maintenance: returning free pages to the file system, and query statistics."""

from typing import Final

from sqlalchemy import Engine

from records.database import transaction

_CHUNK_PAGES: Final = 1000
_ANALYZED_ROWS: Final = 1000


def refresh_statistics(engine: Engine) -> None:
    """Update the query planner's statistics, on SQLite from a sample."""
    with transaction(engine) as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA analysis_limit={_ANALYZED_ROWS}")
        connection.exec_driver_sql("ANALYZE")


def return_free_space(engine: Engine) -> None:
    """Return SQLite's free pages to the file system, in chunks; PostgreSQL needs no help."""
    if engine.dialect.name != "sqlite":
        return
    left = None
    while True:
        with transaction(engine) as connection:
            free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
            if free == 0 or (left is not None and free >= left):
                return
            left = free
            # The pragma frees one page a step and returns no columns: SQLAlchemy would stop after
            # the first step, a DBAPI cursor steps to the end.
            cursor = connection.connection.cursor()
            cursor.execute(f"PRAGMA incremental_vacuum({_CHUNK_PAGES})")
            cursor.fetchall()
            cursor.close()
