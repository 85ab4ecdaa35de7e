"""Private servers for the tests: a broker and databases that each run starts for itself."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text

from broker.bus import Bus
from broker.embedded import EmbeddedBroker
from records.database import open_engine
from records.schema import upgrade


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all-databases",
        action="store_true",
        help="run every database test on PostgreSQL too, not only those marked both_databases",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep a test's PostgreSQL variant only where the result can depend on the dialect."""
    if config.getoption("--all-databases"):
        return
    left_out = [item for item in items if _is_on_postgresql(item) and not _is_on_both(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def _is_on_postgresql(item: pytest.Item) -> bool:
    call = getattr(item, "callspec", None)
    return call is not None and call.params.get("database_url") == "postgresql"


def _is_on_both(item: pytest.Item) -> bool:
    return item.get_closest_marker("both_databases") is not None


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
    """A PostgreSQL of this test process's own, which does not wait for the disk.

    Servers are killed in tests, and recover; the machine's power is not cut.
    """
    from tests.postgresql import private_postgresql

    with private_postgresql() as server:
        _on_server(server.url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield server.url


@pytest.fixture(scope="session")
def postgresql_with_schema(postgresql_url: str) -> str:
    """The name of a database with today's schema, to be copied."""
    name = f"schema_{os.getpid()}"
    _on_server(postgresql_url, f"CREATE DATABASE {name}")
    _upgraded(_database_of(postgresql_url, name))
    return name


@pytest.fixture(scope="session")
def sqlite_with_schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with today's schema, to be copied."""
    path = tmp_path_factory.mktemp("schema") / "records.db"
    _upgraded(f"sqlite:///{path}")
    return path


@pytest.fixture
def postgresql_database(
    request: pytest.FixtureRequest, postgresql_url: str, tmp_path: Path
) -> Iterator[str]:
    """The URL of a database of the test's own: empty, but for the schema that `engine` asks for."""
    name = f"test_{os.getpid()}_{id(tmp_path)}"
    create = f"CREATE DATABASE {name}"
    if "engine" in request.fixturenames:
        create += f" TEMPLATE {request.getfixturevalue('postgresql_with_schema')}"
    _on_server(postgresql_url, create)
    yield _database_of(postgresql_url, name)
    _on_server(postgresql_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database, as `postgresql_database`, on each of the two that moodline keeps records in."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql_database"))
    path = tmp_path / "records.db"
    if "engine" in request.fixturenames:
        shutil.copyfile(request.getfixturevalue("sqlite_with_schema"), path)
    return f"sqlite:///{path}"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a database with today's schema, and nothing in it."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def _on_server(url: str, *statements: str) -> None:
    """Run what cannot be run within a transaction."""
    admin = open_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    admin.dispose()


def _database_of(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _upgraded(url: str) -> None:
    engine = open_engine(url)
    upgrade(engine)
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
