"""The records that a command reads: opened with today's schema, closed at its end."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from contracts.settings import Settings
from records.database import open_engine, upgrade


@contextmanager
def records(settings: Settings) -> Iterator[Engine]:
    """An engine on the database of `settings`. Raises DatabaseError."""
    engine = open_engine(settings.effective_database_url)
    try:
        upgrade(engine)
        yield engine
    finally:
        engine.dispose()
