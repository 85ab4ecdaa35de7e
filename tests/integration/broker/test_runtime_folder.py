"""The private folders of commands: removed when their command was killed, and never before."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from broker.runtime_folder import RuntimeFolder
from tests.requirements import lacking

CREATE = "from broker.runtime_folder import RuntimeFolder; RuntimeFolder()"


@pytest.fixture(autouse=True)
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files, with a path that is short enough for it."""
    monkeypatch.setattr("broker.runtime_folder._LONGEST_PARENT", 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def folders(parent: Path) -> set[Path]:
    return set(parent.iterdir())


def create_in_namespace() -> None:
    """Create a folder in a PID namespace, where no process of this one has a number."""
    unshare = shutil.which("unshare") or "false"
    command = [unshare, "--map-root-user", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        lacking("root", "this host does not let programs make PID namespaces")
    patched = f"import broker.runtime_folder as f; f._LONGEST_PARENT = 1000; {CREATE}"
    subprocess.run([*command, sys.executable, "-c", patched], check=True)


def test_a_folder_of_a_living_command_of_another_pid_namespace_stays(parent: Path) -> None:
    living = RuntimeFolder()
    create_in_namespace()
    assert living.path in folders(parent)
    living.remove()


def test_a_folder_whose_process_number_is_unknown_here_stays_while_it_is_locked(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.runtime_folder._is_running", lambda _pid: False)
    living = RuntimeFolder()
    RuntimeFolder().remove()
    assert folders(parent) == {living.path}

    living.remove()
    assert folders(parent) == set()


def test_a_folder_of_a_killed_command_is_removed(parent: Path) -> None:
    patched = f"import broker.runtime_folder as f; f._LONGEST_PARENT = 1000; {CREATE}"
    subprocess.run([sys.executable, "-c", patched], check=True)
    (left,) = folders(parent)
    mine = RuntimeFolder()
    assert left not in folders(parent)
    mine.remove()


def test_a_folder_that_was_deleted_is_made_and_locked_again(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.runtime_folder._is_running", lambda _pid: False)
    living = RuntimeFolder()
    living.path.rmdir()
    living.renew()
    RuntimeFolder().remove()
    assert folders(parent) == {living.path}
    living.remove()
    living.remove()
