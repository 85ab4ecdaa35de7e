"""Processes that wait for their work: what they get with it, and how those that get none end."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from runtime.processes.children import last_log_lines
from runtime.processes.warm_start import WarmStarts
from tests.unit.runtime.test_children import assert_dies_with_its_parent

MODULE = """
import gc, json, os, sys
prepared = False

def prepare():
    global prepared
    prepared = not gc.isenabled()

def main():
    umask = os.umask(0)
    print("in the log", file=sys.stderr)
    told = {"words": sys.argv[1:], "env": dict(os.environ), "umask": umask, "prepared": prepared}
    assert gc.isenabled()
    open(os.environ["OUT"], "w").write(json.dumps(told))
    print("answer: " + sys.stdin.readline().strip(), flush=True)

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with modules that children can import; the environment leads to it."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "waits.py").write_text(MODULE)
    (folder / "broken.py").write_text("import nothing_of_this_name\n")
    package = folder / "packaged"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(MODULE)
    root = Path(__file__).parents[3]
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{root}")
    return folder


def arguments(module: str, *words: str) -> list[str]:
    return [sys.executable, "-m", module, *words]


@pytest.mark.parametrize("module", ["waits", "packaged"])
def test_a_waiting_process_gets_words_environment_log_umask_and_pipes(
    module: str, modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLY_AT_FIRST", "1")
    out, log = tmp_path / "out", tmp_path / "log"
    env = {"OUT": str(out), "PATH": os.environ["PATH"]}
    before = os.umask(0o027)
    try:
        with WarmStarts(module) as warm:
            pid = warm._waiting[module].pid
            child = warm.start(arguments(module, "one", "two"), env=env, log=log, piped=True)
    finally:
        os.umask(before)
    assert child.pid == pid
    with child:
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write(b"an order\n")
        child.stdin.close()
        assert child.stdout.read() == b"answer: an order\n"
    assert child.returncode == 0
    told = json.loads(out.read_text())
    assert told == {"words": ["one", "two"], "env": env, "umask": 0o027, "prepared": True}
    assert last_log_lines(log) == "in the log"


def test_without_pipes_it_reads_and_writes_nothing(modules: Path, tmp_path: Path) -> None:
    env = dict(os.environ) | {"OUT": str(tmp_path / "out")}
    with WarmStarts("waits") as warm:
        child = warm.start(arguments("waits"), env=env, log=tmp_path / "log")
    assert child.stdin is None and child.stdout is None
    assert child.wait(60) == 0, last_log_lines(tmp_path / "log", 9)
    assert json.loads((tmp_path / "out").read_text())["words"] == []


def test_each_waiting_process_is_taken_once(modules: Path, tmp_path: Path) -> None:
    with WarmStarts("waits") as warm:
        for number in range(2):
            env = dict(os.environ) | {"OUT": str(tmp_path / str(number))}
            child = warm.start(arguments("waits"), env=env, log=tmp_path / "log")
            assert child.wait(60) == 0
    told = [json.loads((tmp_path / str(number)).read_text()) for number in range(2)]
    assert [one["prepared"] for one in told] == [True, False]


def test_those_that_nobody_took_end_with_the_context(modules: Path) -> None:
    with WarmStarts("waits", "packaged") as warm:
        waiting = list(warm._waiting.values())
        assert all(one.poll() is None for one in waiting)
    assert [one.returncode for one in waiting] == [-signal.SIGKILL] * 2
    assert all(one.stdin is not None and one.stdin.closed for one in waiting)


def test_why_a_module_cannot_be_imported_is_in_the_log(modules: Path, tmp_path: Path) -> None:
    with WarmStarts("broken") as warm:
        warm._waiting["broken"].wait(60)
        child = warm.start(arguments("broken"), env=dict(os.environ), log=tmp_path / "log")
        assert child.wait(60) == 1
    assert "nothing_of_this_name" in last_log_lines(tmp_path / "log")


@pytest.mark.skipif(sys.platform != "linux", reason="needs the death signal of Linux")
def test_a_waiting_process_dies_with_its_parent(modules: Path) -> None:
    code = (
        "import time\n"
        "from runtime.processes.warm_start import WarmStarts\n"
        "with WarmStarts('waits') as warm:\n"
        "    print(warm._waiting['waits'].pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    assert_dies_with_its_parent(code)
