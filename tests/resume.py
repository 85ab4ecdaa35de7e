"""Plugin of the slow lane: tests that passed on this very code are not run again.

The lane takes hours. One that was ended before its end, or that failed, continues where it was.
`make test-slow` loads the plugin, and removes the list of passed tests when all have passed.
"""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

PASSED = Path(".pytest_cache", "passed-on-this-code.txt")
"""A digest of the code, then the tests that passed on it, one a line."""


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Resume(config), "resume")


class Resume:
    """Leaves out the tests that passed before, and notes those that pass now."""

    def __init__(self, config: pytest.Config) -> None:
        self._path = config.rootpath / PASSED
        # Processes of pytest-xdist only leave out; the main one notes the results of all.
        self._notes = not hasattr(config, "workerinput")
        self._called: set[str] = set()
        code = _digest(config.rootpath)
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        self._before = set(lines[1:]) if code and lines[:1] == [code] else set()
        if self._notes and not self._before:
            self._path.parent.mkdir(exist_ok=True)
            self._path.write_text(f"{code}\n")

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        passed = [item for item in items if item.nodeid in self._before]
        if passed:
            config.hook.pytest_deselected(items=passed)
            items[:] = [item for item in items if item.nodeid not in self._before]

    def pytest_report_header(self) -> str:
        if not self._before:
            return ""
        return f"{len(self._before)} tests passed on this code before; they are not run again"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not self._notes or not report.passed:
            return
        if report.when == "call":
            self._called.add(report.nodeid)
        elif report.when == "teardown" and report.nodeid in self._called:
            with self._path.open("a") as file:
                file.write(f"{report.nodeid}\n")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self._before:
            session.exitstatus = pytest.ExitCode.OK  # All of them passed before.


def _digest(root: Path) -> str:
    """Return a digest of all files that git knows or would add; "" without a repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=root, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    digest = hashlib.sha256()
    for name in sorted(listed.stdout.split(b"\0")):
        path = root / os.fsdecode(name)
        if path.is_file():
            digest.update(name + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
