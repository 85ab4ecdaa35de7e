"""The command line as its users call it: a process of its own, with a home of its own."""

import contextlib
import json
import os
import select
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
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
    """One user's moodline: a home, and what else is in its environment."""

    home: Path
    env: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MOODLINE_")}
        return kept | {"MOODLINE_HOME": str(self.home), "COLUMNS": "120"} | dict(self.env)

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """Start a command, which a test may kill. Its process group is its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "moodline", *map(str, arguments)],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str | Path, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command to its end, in a process that has its imports."""
        return run_warm(list(map(str, arguments)), self.environment(), TIMEOUT_S, typed)

    def analyze(self, *arguments: str | Path) -> list[dict[str, Any]]:
        """The files of `analyze --json`, which must succeed."""
        done = self.run("analyze", *arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        files: list[dict[str, Any]] = json.loads(done.stdout)["files"]
        return files

    def exported(self, out: Path, *arguments: str | Path) -> pd.DataFrame:
        """Every record as text, less the ids and times that differ from run to run."""
        done = self.run("export", "--out", out, *arguments)
        assert done.returncode == 0, done.stderr
        rows = pd.read_csv(out, dtype=str, keep_default_na=False)
        return rows.drop(columns=["run_id", "captured_at"])


def runs_of(installation: Installation) -> tuple[RunLine, ...]:
    """Its runs, read from its database: quicker than a command, so that it can be polled."""
    env = installation.environment()
    home = Path(env["MOODLINE_HOME"])
    engine = open_engine(env.get("MOODLINE_DATABASE_URL") or f"sqlite:///{home / 'moodline.db'}")
    try:
        return in_snapshot(engine, list_runs)
    finally:
        engine.dispose()


def assert_plain_failure(done: "subprocess.CompletedProcess[str]") -> None:
    """A failure that its reader can use: a status, a line, no traceback."""
    assert done.returncode not in (0, None)
    assert done.returncode > 0, "it was killed"
    assert "Traceback" not in done.stdout + done.stderr
    assert (done.stdout + done.stderr).strip()


def wait_for_frames(installation: Installation, frames: int) -> None:
    """Until that many frames are committed."""
    path = installation.home / "moodline.db"
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(sqlite3.OperationalError):
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as records:
                count = records.execute("SELECT sum(frames_analyzed) FROM run_state").fetchone()[0]
            if (count or 0) >= frames:
                return
    raise TimeoutError(f"{frames} frames were not committed in {TIMEOUT_S} s")


def poll(condition: Callable[[], bool]) -> None:
    """Until it holds, which its looks may take long to say."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        select.select([], [], [], 0.02)  # Leave the processors to those who make it hold.
