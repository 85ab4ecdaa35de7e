"""`moodline scheduler` on a host whose clock is set while it runs."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select

from records.database import open_engine, reading
from records.schema import upgrade
from records.tables.operations import JobRun
from tests.e2e.commands import Installation, poll
from tests.requirements import lacking

PRELOAD = Path(__file__).parents[1] / "set_clock.c"
MOST_MEMORY = 500 * 2**20
EARLY = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)


class Host:
    """A scheduler, and the clock that it sees."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            lacking("a C compiler", "the preload that sets the clock has to be built")
        library, self._offset = folder / "set_clock.so", folder / "offset"
        build = [compiler, "-shared", "-fPIC", "-o", library, PRELOAD, "-ldl"]
        subprocess.run(build, check=True)
        installation = Installation(folder / "home")
        self.engine = open_engine(f"sqlite:///{folder / 'home' / 'moodline.db'}")
        upgrade(self.engine)
        self._environment = installation.environment() | {
            "LD_PRELOAD": str(library),
            "CLOCK_OFFSET": str(self._offset),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def set_clock(self, offset: timedelta) -> None:
        """Set the clock, to be ahead of the true one by `offset`."""
        part = self._offset.with_suffix(".part")
        part.write_text(str(offset // timedelta(microseconds=1)))
        part.replace(self._offset)

    def start(self) -> None:
        command = [sys.executable, "-m", "moodline", "scheduler"]
        self.process = subprocess.Popen(command, env=self._environment)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def runs_at(self, job: str, is_right: Callable[[datetime], bool]) -> bool:
        """Return whether the job has run at such a time."""
        query = select(JobRun.started_at).where(JobRun.job == job)
        with reading(self.engine) as connection:
            return any(is_right(at) for at in connection.execute(query).scalars())


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    one = Host(tmp_path)
    yield one
    one.stop()
    one.engine.dispose()


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it needs LD_PRELOAD")
def test_jobs_run_after_the_clock_is_set_back_and_after_a_restart(host: Host) -> None:
    begin = datetime.now(UTC)
    host.set_clock(timedelta(days=400))
    host.start()
    poll(lambda: host.runs_at("rollups", lambda at: at > begin + timedelta(days=300)))
    host.set_clock(timedelta(0))
    poll(lambda: host.runs_at("rollups", lambda at: begin < at < begin + timedelta(days=1)))
    host.stop()
    host.set_clock(timedelta(days=-30))
    host.start()
    poll(lambda: host.runs_at("rollups", lambda at: at < begin - timedelta(days=29)))


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it needs LD_PRELOAD")
def test_a_step_from_1970_costs_no_memory_and_removes_nothing(host: Host) -> None:
    begin = datetime.now(UTC)
    host.set_clock(EARLY - begin)
    host.start()
    poll(lambda: host.runs_at("rollups", lambda at: at.year == 1970))
    assert host.process is not None
    host.set_clock(timedelta(0))
    poll(lambda: host.runs_at("rollups", lambda at: at >= begin))
    assert psutil.Process(host.process.pid).memory_info().rss < MOST_MEMORY
    assert not host.runs_at("retention", lambda at: at.year > 1970)
    assert host.runs_at("clock", lambda at: at >= begin)
