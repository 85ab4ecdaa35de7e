"""Child processes: their end, their parent's end, and their logs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.processes.children import last_log_lines, start_child, stop_child

STUBBORN = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "sys.stderr.write('ready\\n'); sys.stderr.flush(); time.sleep(60)"
)


def test_a_child_that_ignores_sigterm_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.processes.children._STOP_S", 0.2)
    log = tmp_path / "log"
    child = start_child([sys.executable, "-S", "-c", STUBBORN], env=os.environ, log=log)
    wait_until(lambda: last_log_lines(log) == "ready")
    stop_child(child)
    assert child.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="needs the death signal of Linux")
def test_a_child_dies_with_its_parent() -> None:
    code = (
        "import os, sys, time\n"
        "from runtime.processes.children import start_child\n"
        "child = start_child([sys.executable, '-S', '-c', 'import time; time.sleep(60)'],\n"
        "                    env=os.environ, log=None)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    assert_dies_with_its_parent(code)


def assert_dies_with_its_parent(code: str) -> None:
    """Run Python that prints a child's process number; kill it, and wait for the child's end."""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    wait_until(lambda: not is_running(pid))


def test_the_last_log_lines_are_readable(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_log_lines(log) == ""
    log.write_text('plain\n{"event": "cannot start", "reason": "no model", "level": "error"}\n')
    assert last_log_lines(log) == "cannot start: no model"
    assert last_log_lines(log, 2) == "plain\ncannot start: no model"


def is_running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("the condition did not become true")
