"""Private servers for the tests: a broker and databases that each run starts for itself."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text

from contracts.bus import Bus
from contracts.database import open_engine, upgrade
from moodline.broker import EmbeddedBroker


@pytest.fixture(scope="session")
def broker() -> Iterator[EmbeddedBroker]:
    """A Valkey of this test process's own."""
    with EmbeddedBroker() as embedded:
        yield embedded


@pytest.fixture
def bus(broker: EmbeddedBroker, request: pytest.FixtureRequest) -> Iterator[Bus]:
    """A bus with names of its own on the session's broker."""
    import redis

    client = redis.Redis.from_url(broker.url)
    bus = Bus(client, url=broker.url, prefix=f"test-{os.getpid()}-{id(request)}")
    yield bus
    bus.close()


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL of this test process's own."""
    from tests.postgresql import private_postgresql

    with private_postgresql() as server:
        yield server.url


@pytest.fixture
def postgresql_database(postgresql_url: str, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of the test's own."""
    name = f"test_{os.getpid()}_{id(tmp_path)}"
    admin = open_engine(postgresql_url).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(postgresql_url).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, on each of the two that moodline keeps its records in."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'records.db'}"
        return
    yield request.getfixturevalue("postgresql_database")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on an empty database with today's schema."""
    engine = open_engine(database_url)
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def moodline_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A MOODLINE_HOME of the test's own, and no other moodline setting."""
    for name in list(os.environ):
        if name.startswith("MOODLINE_"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    monkeypatch.setenv("MOODLINE_HOME", str(home))
    return home
