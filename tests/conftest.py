"""Servers and databases for the tests. Each test process starts its own broker and PostgreSQL."""

import fcntl
import gc
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog
from argon2 import PasswordHasher
from sqlalchemy import Engine, make_url, text

from broker.bus import Bus
from broker.embedded import EmbeddedBroker
from records.database import open_engine
from records.schema import upgrade
from records.users import passwords
from tests.new_schema import copied_schema, migrated_schema

# A busy machine may take long for one example: only benchmarks assert time.
hypothesis.settings.register_profile("moodline", deadline=None)
hypothesis.settings.load_profile("moodline")


BROKER_KEY = b"a key that only the tests know"
STRONG_HASHER = passwords._HASHER
"""The hasher of passwords outside of the tests."""


# What is imported and collected stays until the end: to look for garbage in it, again and again,
# takes a third of the time of a collection.
gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Collect garbage from now on, but not among the modules and tests."""
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all-databases",
        action="store_true",
        help="run every database test on PostgreSQL too, not only those marked both_databases",
    )
    parser.addoption(
        "--shuffle",
        metavar="SEED",
        help="run the files, and the tests of each, in the random order of this seed",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Import some of the modules first: others than the other test processes.

    In a new clone, each would otherwise rewrite the asserts of every module in the same order.
    Now it finds most of them rewritten.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if processes == 1 or session.config.option.file_or_dir:
        return
    number = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    root = Path(__file__).parents[1]
    for path in sorted(root.glob("tests/**/test_*.py"))[number::processes]:
        with suppress(Exception, pytest.skip.Exception):  # The collection reports it.
            import_module(".".join(path.relative_to(root).with_suffix("").parts))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep a test's PostgreSQL variant only where the result can depend on the dialect.

    Files of unit tests, which compute, are among those of integration tests, which also wait.
    """
    _alternate(items)
    if seed := config.getoption("--shuffle"):
        _shuffle(items, seed)
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            _end_process_on_timeout(item)
    if config.getoption("--all-databases"):
        return
    left_out = [item for item in items if _is_on_postgresql(item) and not _is_on_both(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def _alternate(items: list[pytest.Item]) -> None:
    """Spread the files of two folders evenly over the time of both."""
    folders: dict[str, dict[Path, None]] = {"integration": {}, "unit": {}}
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        folders.get(folder, {})[item.path] = None
    places = {
        path: (number + 0.5) / len(paths)
        for paths in folders.values()
        for number, path in enumerate(paths)
    }
    items.sort(key=lambda item: places.get(item.path, 0.0))


def _shuffle(items: list[pytest.Item], seed: str) -> None:
    """Shuffle the files, which stay whole, and the tests of each."""
    chance = random.Random(seed)
    files = {path: chance.random() for path in dict.fromkeys(item.path for item in items)}
    chance.shuffle(items)
    items.sort(key=lambda item: files[item.path])


def _end_process_on_timeout(item: pytest.Item) -> None:
    """After an exception that a signal raises in Playwright, its loop does not end any more."""
    given = item.get_closest_marker("timeout")
    limits = given.args if given else ()
    item.add_marker(pytest.mark.timeout(*limits, method="thread"), append=False)


def _is_on_postgresql(item: pytest.Item) -> bool:
    call = getattr(item, "callspec", None)
    return call is not None and "postgresql" in (
        call.params.get("database_url"),
        call.params.get("shared_engine"),
    )


def _is_on_both(item: pytest.Item) -> bool:
    return item.get_closest_marker("both_databases") is not None


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hash passwords in no time: the tests do it hundreds of times, for a third of a second each.

    Processes that tests start hash them as always.
    """
    with pytest.MonkeyPatch.context() as patch:
        quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "_HASHER", quick)
        yield


@pytest.fixture(scope="session", autouse=True)
def uncached_loggers() -> Iterator[None]:
    """Let no logger keep the configuration that it first logged with."""
    configure = structlog.configure

    def configure_uncached(**options: Any) -> None:
        configure(**options | {"cache_logger_on_first_use": False})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog, "configure", configure_uncached)
        yield


@pytest.fixture(scope="session")
def first_umask() -> int:
    umask = os.umask(0o022)
    os.umask(umask)
    return umask


@pytest.fixture(autouse=True)
def commands_leave_no_trace(first_umask: int) -> Iterator[None]:
    """Undo what a command that runs in this process sets for it: its umask and its log."""
    yield
    os.umask(first_umask)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture(scope="session", autouse=True)
def quick_schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Copy the schema into new SQLite databases. Tests of migrations use `migrated_schema`."""
    with copied_schema(lambda: _made_schema(tmp_path_factory)):
        yield


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A file that all processes of this test run share: the first that asks for it makes it."""
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    path = folder / name
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            part = folder / f"part-{name}"
            part.unlink(missing_ok=True)
            make(part)
            part.rename(path)
    return path


@pytest.fixture(scope="session")
def broker() -> Iterator[EmbeddedBroker]:
    """A Valkey server of this test process."""
    with EmbeddedBroker() as embedded:
        yield embedded


@pytest.fixture
def bus(broker: EmbeddedBroker, request: pytest.FixtureRequest) -> Iterator[Bus]:
    """A bus on the session's broker, with a key prefix of its own."""
    import redis

    client = redis.Redis.from_url(broker.url)
    bus = Bus(client, url=broker.url, prefix=f"test-{os.getpid()}-{id(request)}", key=BROKER_KEY)
    yield bus
    bus.close()


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of this test process's PostgreSQL server.

    The server does not sync to the disk. Tests kill it, and it recovers; no test cuts the power.
    """
    from tests.postgresql import private_postgresql

    with private_postgresql() as server:
        _run_outside_transaction(
            server.url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"
        )
        yield server.url


@pytest.fixture(scope="session")
def postgresql_with_schema(postgresql_url: str) -> str:
    """The name of a database with the newest schema, used as a template."""
    name = f"schema_{os.getpid()}"
    _run_outside_transaction(postgresql_url, f"CREATE DATABASE {name}")
    _upgrade(_url_of(postgresql_url, name))
    return name


@pytest.fixture(scope="session")
def sqlite_with_schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the newest schema. Tests copy it."""
    return _made_schema(tmp_path_factory)


def _made_schema(factory: pytest.TempPathFactory) -> Path:
    def make(path: Path) -> None:
        with migrated_schema():
            _upgrade(f"sqlite:///{path}")

    return made_once(factory, "schema.db", make)


@pytest.fixture(scope="session")
def month_database(sqlite_with_schema: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the generated month, which ends now. Tests copy it; it takes seconds."""
    from contracts.times import utc_now
    from moodline.demo.generated_month import write_month

    def make(path: Path) -> None:
        shutil.copyfile(sqlite_with_schema, path)
        engine = open_engine(f"sqlite:///{path}")
        write_month(engine, utc_now())
        engine.dispose()

    return made_once(tmp_path_factory, "month.db", make)


@pytest.fixture
def postgresql_database(request: pytest.FixtureRequest, postgresql_url: str) -> Iterator[str]:
    """The URL of a new database. It is empty, unless the test uses `engine`."""
    template = None
    if "engine" in request.fixturenames:
        template = request.getfixturevalue("postgresql_with_schema")
    with _new_database(postgresql_url, template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new database of each kind. It is empty, unless the test uses `engine`."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql_database"))
    path = tmp_path / "records.db"
    if "engine" in request.fixturenames:
        shutil.copyfile(request.getfixturevalue("sqlite_with_schema"), path)
    return f"sqlite:///{path}"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a new database of each kind, with the newest schema and no rows."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """An engine as `engine`, for rows that a module writes once and its tests only read."""
    with ExitStack() as stack:
        if request.param == "postgresql":
            server = request.getfixturevalue("postgresql_url")
            template = request.getfixturevalue("postgresql_with_schema")
            url = stack.enter_context(_new_database(server, template))
        else:
            path = tmp_path_factory.mktemp("shared") / "records.db"
            shutil.copyfile(request.getfixturevalue("sqlite_with_schema"), path)
            url = f"sqlite:///{path}"
        engine = open_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def sqlite_engine(sqlite_with_schema: Path, tmp_path: Path) -> Iterator[Engine]:
    """An engine on a new SQLite database with the newest schema and no rows."""
    path = tmp_path / "records.db"
    shutil.copyfile(sqlite_with_schema, path)
    engine = open_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


_numbers = count()


@contextmanager
def _new_database(server_url: str, template: str | None) -> Iterator[str]:
    """Create a database on the server, and drop it afterwards."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    copied = f" TEMPLATE {template} STRATEGY FILE_COPY" if template else ""
    _run_outside_transaction(server_url, f"CREATE DATABASE {name}{copied}")
    yield _url_of(server_url, name)
    _run_outside_transaction(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def _run_outside_transaction(url: str, *statements: str) -> None:
    admin = open_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    admin.dispose()


def _url_of(server_url: str, database: str) -> str:
    return make_url(server_url).set(database=database).render_as_string(hide_password=False)


def _upgrade(url: str) -> None:
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()


@pytest.fixture
def moodline_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new MOODLINE_HOME, and no other moodline setting."""
    for name in list(os.environ):
        if name.startswith("MOODLINE_"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    monkeypatch.setenv("MOODLINE_HOME", str(home))
    return home
