"""LiveStack: one `moodline up` that a test starts, changes and observes."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
from sqlalchemy import func, select

from analytics.now.live_status import live_status
from analytics.runs.run_list import list_runs
from analytics.runs.run_summary import run_summaries
from analytics.snapshots import in_snapshot
from broker.bus import Bus
from broker.heartbeats import Heartbeats
from broker.presence import Presence, read_heartbeats
from broker.reports import SourceReport, WorkerReport
from contracts.errors import MoodlineError
from contracts.runs import RunState
from contracts.settings import Settings
from moodline.stack.running_stack import running_broker
from records.broker_key import read_broker_key
from records.database import open_engine, reading
from records.sources.live_sources import (
    SourceSettings,
    add_source,
    edit_source,
    pause_source,
    remove_source,
)
from records.tables.faces import Frame
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source
from tests.e2e.commands import TIMEOUT_S, Installation, listens, poll


@dataclass
class LiveStack:
    """A context manager that runs `moodline up`. Its exit status must be 0.

    Sources are written to the database directly, because each command takes seconds to start.
    """

    installation: Installation
    log: Path
    workers: int = 1
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    broker: str = field(default="", init=False)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        status = self.stop()
        if error is None:
            assert status == 0, self.log.read_text()[-3000:]

    def start(self) -> None:
        """Start it, and wait until its broker and its database can be used."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "moodline", "up"),
                    *("--workers", str(self.workers), "--port", str(self.port)),
                    "--no-sign-in",
                ],
                env=self.installation.environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        poll(self._is_up)
        self.broker = running_broker(self._settings)
        self.engine = open_engine(self._settings.effective_database_url)

    @property
    def address(self) -> str:
        """The URL of its dashboard."""
        return f"http://127.0.0.1:{self.port}/"

    def wait_for_dashboard(self) -> None:
        """Wait until the dashboard accepts connections."""
        poll(lambda: listens(self.port))

    def stop(self) -> int:
        """Send SIGTERM and return the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT_S)

    def kill(self) -> None:
        """Send SIGKILL to the main process, and wait until its children have ended too."""
        assert self.process is not None
        family = self.processes()
        self.process.kill()
        self.process.wait()
        poll(lambda: not any(one.is_running() and one.status() != "zombie" for one in family))

    def processes(self) -> list[psutil.Process]:
        """All its child processes."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def processes_with(self, word: str) -> list[psutil.Process]:
        """The child processes whose command line contains the word."""
        found = []
        for one in self.processes():
            with suppress(psutil.NoSuchProcess):
                if any(word in part for part in one.cmdline()):
                    found.append(one)
        return found

    def reader_pid(self, source: str) -> int | None:
        """The process that reads the source: the one that claims its run. None if there is none.

        An orphaned run is claimed by a dead process, or by `up` while `up` ends the run.
        """
        with reading(self.engine) as connection:
            claimant = connection.execute(
                select(Run.claimed_by)
                .join(Source, Source.id == Run.source_pk)
                .where(Source.name == source, Run.state == RunState.RUNNING)
                .order_by(Run.id.desc())
                .limit(1)
            ).scalar()
        pid = int(claimant.split(":")[1]) if claimant else None
        return pid if pid in {one.pid for one in self.processes()} else None

    def template_pid(self) -> int | None:
        """The process from which those of the sources are forked."""
        mine = self.processes_with("ingest.live.supervision.template")
        pids = {one.pid for one in mine}
        with suppress(psutil.NoSuchProcess):
            return next((one.pid for one in mine if one.ppid() not in pids), None)
        return None

    def statuses(self) -> dict[str, dict[str, Any]]:
        """The status of each live source by name, as `moodline status --json` shows it."""
        bus = Bus.connect(self.broker, read_broker_key(self.engine))
        try:
            heartbeats = read_heartbeats(bus)
        finally:
            bus.close()
        return {one.name: asdict(one) for one in in_snapshot(self.engine, live_status, heartbeats)}

    def status_offline(self, source: str) -> dict[str, Any]:
        """The source's status as it is when no heartbeat arrives."""
        return {
            one.name: asdict(one) for one in in_snapshot(self.engine, live_status, Heartbeats())
        }[source]

    def state(self, source: str) -> str:
        """The state of the source; "" if it or the broker cannot be found."""
        try:
            return str(self.statuses()[source]["state"])
        except (MoodlineError, KeyError):
            return ""

    def sources_read(self) -> set[str]:
        """The ids of the sources that the supervisor reads."""
        bus = Bus.connect(self.broker, read_broker_key(self.engine))
        try:
            reports = Presence(bus, SourceReport).alive()
        finally:
            bus.close()
        return {one.id for one in reports if one.state != "paused"}

    def makes_progress(self, *sources: str) -> bool:
        """Whether all these sources stream; then wait until more frames of each are analysed."""
        try:
            before = self.statuses()
        except MoodlineError:
            return False
        if any(before[name]["state"] != "streaming" for name in sources):
            return False
        poll(lambda: self._all_progressed(before, sources))
        return True

    def _all_progressed(self, before: dict[str, dict[str, Any]], sources: Sequence[str]) -> bool:
        try:
            now = self.statuses()
        except MoodlineError:
            return False
        return all(
            now[name]["run_id"] != before[name]["run_id"]
            or now[name]["analyzed"] > before[name]["analyzed"]
            for name in sources
        )

    def live_workers(self) -> list[WorkerReport]:
        """The latest report of each worker that sends heartbeats."""
        try:
            bus = Bus.connect(self.broker, read_broker_key(self.engine))
        except MoodlineError:
            return []
        try:
            return Presence(bus, WorkerReport).alive()
        finally:
            bus.close()

    # -- changes that an operator makes -------------------------------------------------

    def add(self, name: str, uri: str, fps: float = 5.0, *, looped: bool = False) -> None:
        add_source(self.engine, name, SourceSettings(uri, uri, None, fps, 640, (), looped))

    def edit(self, name: str, uri: str, fps: float) -> None:
        edit_source(self.engine, name, SourceSettings(uri, uri, None, fps, 640))

    def pause(self, name: str, *, paused: bool) -> None:
        pause_source(self.engine, name, paused=paused)

    def remove(self, name: str) -> None:
        remove_source(self.engine, name)

    def all_runs_done(self) -> bool:
        """Whether every run is done."""
        return all(run.state == "done" for run in in_snapshot(self.engine, list_runs))

    @property
    def _settings(self) -> Settings:
        return Settings(home=self.installation.home)

    def _is_up(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.log.read_text()
        url = running_broker(self._settings)
        if not url or not (self.installation.home / "moodline.db").exists():
            return False
        try:
            Bus.connect(url).close()
        except MoodlineError:
            return False
        return True


def assert_balanced(stack: LiveStack) -> dict[str, int]:
    """Assert that each run counts every frame once and uses every sequence number once.

    Return the totals of all runs: captured, analyzed and broker_lost.
    """
    totals = {"captured": 0, "analyzed": 0, "broker_lost": 0}
    summaries = in_snapshot(
        stack.engine, run_summaries, [run.run_id for run in in_snapshot(stack.engine, list_runs)]
    )
    with reading(stack.engine) as connection:
        rows = dict(
            connection.execute(
                select(Run.run_id, func.count(Frame.frame_index))
                .join(Frame, Frame.run_pk == Run.id, isouter=True)
                .group_by(Run.run_id)
            ).all()
        )
        numbers = dict(
            connection.execute(
                select(Run.run_id, RunProgress.next_seq).join(
                    RunProgress, RunProgress.run_pk == Run.id
                )
            ).all()
        )
    for one in summaries:
        dropped = one.coverage.dropped
        assert one.coverage.captured == (
            one.frames_analyzed + one.coverage.sampled_out + sum(dropped.values())
        ), one
        assert rows[one.run_id] == one.frames_analyzed, one
        # next_seq is past the End message, so the frames used two numbers fewer.
        lost = dropped.get("broker_lost", 0)
        assert numbers[one.run_id] - 2 == one.frames_analyzed + lost + dropped.get("poison", 0), one
        totals["captured"] += one.coverage.captured
        totals["analyzed"] += one.frames_analyzed
        totals["broker_lost"] += lost
    return totals


def signal_process(pid: int | None, number: int) -> None:
    """Send a signal to a process that may have ended. None: do nothing."""
    if pid is None:
        return
    assert pid > 1
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
