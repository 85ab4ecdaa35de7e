"""Homes on file systems without locks, with odd names, and such that cannot be made."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.commands import TIMEOUT_S, Installation, assert_plain_failure
from tests.requirements import lacking

PRELOAD = Path(__file__).parents[1] / "no_locks.c"


@pytest.fixture(scope="module")
def no_locks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a program for which file locks fail."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        lacking("a C compiler", "the preload that makes locks fail has to be built")
    library = tmp_path_factory.mktemp("preload") / "no_locks.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, PRELOAD, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


@pytest.mark.parametrize("command", [["up", "--port", "0"], ["analyze"], ["doctor"], ["status"]])
def test_a_file_system_without_locks_is_named_at_once(
    command: list[str], no_locks: dict[str, str], tmp_path: Path, one_face: Path
) -> None:
    installation = Installation(tmp_path / "home", no_locks)
    arguments = [*command, one_face] if command == ["analyze"] else command
    process = installation.start(*arguments)
    out, err = process.communicate(timeout=TIMEOUT_S)

    said = " ".join((out + err).split())
    assert process.returncode in {1, 2}
    assert "Traceback" not in said
    assert "cannot lock files in" in said
    assert str(installation.home) in said
    assert "MOODLINE_HOME" in said


@pytest.mark.parametrize("name", ["really?", "a%41b", "100%", "what?mode=ro&x#y"])
def test_a_home_of_any_name_holds_its_own_database(name: str, tmp_path: Path) -> None:
    installation = Installation(tmp_path / name)
    assert installation.run("db", "upgrade").returncode == 0
    assert (tmp_path / name / "moodline.db").is_file()
    assert [one.name for one in tmp_path.iterdir()] == [name]
    assert installation.run("runs", "list").returncode == 0


def test_doctor_and_commands_name_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    installation = Installation(tmp_path / "file" / "home")
    checked = installation.run("doctor")
    assert checked.returncode == 2
    assert "Traceback" not in checked.stdout + checked.stderr
    assert f"FAIL  disk      cannot use {installation.home}: Not a directory" in checked.stdout
    assert_plain_failure(installation.run("runs", "list"))
