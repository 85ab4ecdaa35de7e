"""Room in the database: what deletions left behind goes back, the planner's figures are kept."""

from typing import Final

from sqlalchemy import Engine

from records.database import transaction

_CHUNK_PAGES: Final = 1000
_ANALYZED_ROWS: Final = 1000


def refresh_statistics(engine: Engine) -> None:
    """Tell the planner how the tables are filled; a sample is enough."""
    with transaction(engine) as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA analysis_limit={_ANALYZED_ROWS}")
        connection.exec_driver_sql("ANALYZE")


def give_space_back(engine: Engine) -> None:
    """Return SQLite's free pages to the file system, some at a time; PostgreSQL does it itself."""
    if engine.dialect.name != "sqlite":
        return
    left = None
    while True:
        with transaction(engine) as connection:
            free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
            if free == 0 or (left is not None and free >= left):
                return
            left = free
            # It frees a page a step and returns no columns: only a bare cursor steps to the end.
            cursor = connection.connection.cursor()
            cursor.execute(f"PRAGMA incremental_vacuum({_CHUNK_PAGES})")
            cursor.fetchall()
            cursor.close()
