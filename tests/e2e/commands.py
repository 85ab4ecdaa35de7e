"""Installation: the command line in a process and a MOODLINE_HOME of its own."""

import contextlib
import json
import os
import select
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from analytics.runs.run_list import RunLine, list_runs
from analytics.snapshots import in_snapshot
from records.database import open_engine
from tests.e2e.warm import run_warm

TIMEOUT_S = 240


@dataclass
class Installation:
    """A user's moodline.

    env: variables besides MOODLINE_HOME. prefix: of started commands. limit_s: after which a
    command that is run hangs.
    """

    home: Path
    env: Mapping[str, str] = field(default_factory=dict)
    prefix: Sequence[str] = ()
    limit_s: float = TIMEOUT_S

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MOODLINE_")}
        return kept | {"MOODLINE_HOME": str(self.home), "COLUMNS": "120"} | dict(self.env)

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """Start a command in a process group of its own, so that a test can kill it."""
        return subprocess.Popen(
            [*self.prefix, sys.executable, "-m", "moodline", *map(str, arguments)],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str | Path, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command to its end, in a process forked after the imports. typed: its input."""
        return run_warm(list(map(str, arguments)), self.environment(), self.limit_s, typed)

    def analyze(self, *arguments: str | Path) -> list[dict[str, Any]]:
        """Run `analyze --json`, which must succeed, and return its files."""
        done = self.run("analyze", *arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        files: list[dict[str, Any]] = json.loads(done.stdout)["files"]
        return files

    def exported(self, out: Path, *arguments: str | Path) -> pd.DataFrame:
        """Export records; return them as text, without the columns that differ between runs."""
        done = self.run("export", "--out", out, *arguments)
        assert done.returncode == 0, done.stderr
        rows = pd.read_csv(out, dtype=str, keep_default_na=False)
        return rows.drop(columns=["run_id", "captured_at"])


def runs_of(installation: Installation) -> tuple[RunLine, ...]:
    """The runs, read from the database. Faster than a command, so that tests can poll it."""
    env = installation.environment()
    home = Path(env["MOODLINE_HOME"])
    engine = open_engine(env.get("MOODLINE_DATABASE_URL") or f"sqlite:///{home / 'moodline.db'}")
    try:
        return in_snapshot(engine, list_runs)
    finally:
        engine.dispose()


def assert_plain_failure(done: "subprocess.CompletedProcess[str]") -> None:
    """Assert that the command failed with a message, and without a traceback or a signal."""
    assert done.returncode not in (0, None)
    assert done.returncode > 0, "it was killed"
    assert "Traceback" not in done.stdout + done.stderr
    assert (done.stdout + done.stderr).strip()


def wait_for_frames(installation: Installation, frames: int) -> None:
    """Wait until so many frames are committed."""
    path = installation.home / "moodline.db"

    def are_committed() -> bool:
        with contextlib.suppress(sqlite3.OperationalError):
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as records:
                count = records.execute("SELECT sum(frames_analyzed) FROM run_state").fetchone()[0]
            return (count or 0) >= frames
        return False

    poll(are_committed)


def poll(condition: Callable[[], bool]) -> None:
    """Wait until the condition is true. Raises AssertionError after TIMEOUT_S."""
    begin = time.monotonic()
    deadline = begin + TIMEOUT_S
    while not condition():
        now = time.monotonic()
        assert now < deadline, f"the condition did not become true in {TIMEOUT_S} s"
        # Leave the processors to the processes under test: ask for a tenth of the time at most.
        select.select([], [], [], min(max(0.02, 9 * (now - begin)), 0.5))
        begin = time.monotonic()


def listens(port: int) -> bool:
    """Whether a server on this machine accepts connections on the port."""
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))
