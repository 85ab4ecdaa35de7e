"""A process that freezes in a transaction gives its locks up, on PostgreSQL."""

import pytest
from sqlalchemy import Engine, text

from contracts.errors import DatabaseError
from records import database
from records.database import open_engine, reading, transaction

LIMIT = text("SHOW idle_in_transaction_session_timeout")


def limit_of(engine: Engine) -> str:
    with reading(engine) as connection:
        return str(connection.execute(LIMIT).scalar_one())


def test_others_go_on_after_a_transaction_that_stays_idle(
    postgresql_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(postgresql_database)
    with transaction(engine) as connection:
        connection.execute(text("CREATE TABLE held (n INTEGER)"))
        connection.execute(text("INSERT INTO held VALUES (1)"))
    monkeypatch.setattr(database, "_IDLE_S", 1)
    other = open_engine(postgresql_database)
    with pytest.raises(DatabaseError), transaction(other) as frozen:
        frozen.execute(text("UPDATE held SET n = 2"))
        with transaction(engine) as connection:  # Waits for the lock.
            connection.execute(text("UPDATE held SET n = n + 10"))
        frozen.execute(text("UPDATE held SET n = 3"))
    with reading(other) as connection:
        assert connection.execute(text("SELECT n FROM held")).scalar_one() == 11
    engine.dispose()
    other.dispose()


def test_a_limit_of_the_database_stays(postgresql_database: str) -> None:
    first = open_engine(postgresql_database)
    assert limit_of(first) == "30s"
    with transaction(first) as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(
            text(f'ALTER DATABASE "{name}" SET idle_in_transaction_session_timeout = 5000')
        )
    second = open_engine(postgresql_database)
    assert limit_of(second) == "5s"
    first.dispose()
    second.dispose()
