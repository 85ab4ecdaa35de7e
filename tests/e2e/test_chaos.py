"""Seeded kills of all services, and a database outage: the stored rows do not change."""

import math
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pytest

from broker.bus import Bus
from broker.embedded import EmbeddedBroker
from broker.open_runs import OpenRuns
from broker.presence import Presence
from broker.reports import WorkerReport
from contracts.runs import ENDED_STATES
from moodline.demo.scenes import Scene, render, scenes
from records.broker_key import read_broker_key
from records.database import open_engine
from records.schema import upgrade
from tests.e2e.commands import Installation, runs_of
from tests.e2e.fleet import Fleet
from tests.e2e.ledger import decoded_frames, ledger
from tests.media import make_content_unique, write_looped
from tests.postgresql import private_postgresql

pytestmark = [pytest.mark.slow, pytest.mark.timeout(5400)]

SEED, KILLS, OUTAGE_S = 20261123, 20, 31.0
LIMIT_S = 1800
"""For what takes a minute on a machine that does nothing else."""
SHORT_LEASES = {"MOODLINE_LEASE_S": "3", "MOODLINE_BATCH_FRAMES": "8"}
FAILPOINTS = ("after-publish", "analysing", "before-commit", "before-ack", "handover")


@dataclass(frozen=True)
class Material:
    """Clips, the rows of an undisturbed analysis, and the number of frames of each clip."""

    clips: tuple[Path, ...]
    calm: pd.DataFrame
    decoded: Mapping[str, int]


def material(folder: Path, played: Sequence[Scene], count: int, seconds: float = 0.0) -> Material:
    """Clips that show these scenes in turn, each repeated until it has so many seconds.

    To render them whole would take minutes. They differ in their bytes: the second of two with one
    content would be a copy.
    """
    for scene in played:
        render(scene, folder / f"{scene.name}.mp4")
    clips = [folder / f"clip-{number:02}.mp4" for number in range(count)]
    for number, (clip, scene) in enumerate(zip(clips, cycle(played), strict=False)):
        times = max(1, math.ceil(seconds / scene.seconds))
        write_looped(folder / f"{scene.name}.mp4", times, clip)
        make_content_unique(clip, number)
    calm = Installation(folder / "calm", limit_s=LIMIT_S)
    calm.analyze(*clips)
    rows = calm.exported(folder / "calm.csv", "--frames")
    return Material(tuple(clips), rows, {clip.name: decoded_frames(clip) for clip in clips})


@pytest.fixture(scope="module")
def long_material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return material(tmp_path_factory.mktemp("long"), scenes(), 12, 28.0)


@pytest.fixture(scope="module")
def short_material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    played = [replace(scene, seconds=4.0 + n) for n, scene in enumerate(scenes()[:3])]
    return material(tmp_path_factory.mktemp("short"), played, 3)


@dataclass(frozen=True)
class Database:
    """The database of the records. outage: a context in which no worker can write to it."""

    url: str
    outage: Callable[[], "contextmanager[None]"]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        path = tmp_path / "records.db"

        @contextmanager
        def locked() -> Iterator[None]:
            holder = sqlite3.connect(path, timeout=60, isolation_level=None)
            holder.execute("BEGIN EXCLUSIVE")
            yield
            holder.rollback()
            holder.close()

        yield Database(f"sqlite:///{path}", locked)
        return
    with private_postgresql() as server:

        @contextmanager
        def crashed() -> Iterator[None]:
            server.crash()
            yield
            server.start()

        yield Database(server.url, crashed)


@contextmanager
def fleet_on(
    database: Database, folder: Path, *, ingestors: int, workers: int, env: Mapping[str, str]
) -> Iterator[Fleet]:
    engine = open_engine(database.url)
    upgrade(engine)
    engine.dispose()
    with EmbeddedBroker() as broker:
        servers = {"MOODLINE_DATABASE_URL": database.url, "MOODLINE_REDIS_URL": broker.url}
        fleet = Fleet(Installation(folder / "home", servers | dict(env)), broker, folder / "logs")
        for number in range(ingestors):
            fleet.add(f"ingest-{number}", "ingest", "--parallel", "2")
        for number in range(workers):
            fleet.add(f"worker-{number}", "worker")
        with fleet:
            yield fleet


def frames(fleet: Fleet) -> int:
    return sum(run.frames_analyzed for run in runs_of(fleet.installation))


def ended(fleet: Fleet) -> bool:
    return all(run.state in ENDED_STATES for run in runs_of(fleet.installation))


def run_until(fleet: Fleet, condition: Callable[[], bool], limit_s: float = LIMIT_S) -> bool:
    """Restart dead services until the condition is true. Return False after `limit_s`."""
    deadline = time.monotonic() + limit_s
    while (begin := time.monotonic()) < deadline:
        fleet.restart_dead()
        if condition():
            return True
        # Leave the processors to the fleet: ask for a quarter of the time at most.
        time.sleep(max(0.05, 3 * (time.monotonic() - begin)))
    return False


def assert_exact(fleet: Fleet, database: Database, expected: Material, folder: Path) -> None:
    lines = ledger(database.url, expected.decoded)
    assert len(lines) == len(expected.clips)
    assert [line for line in lines if not line.balances] == [], fleet.logs()
    found = fleet.installation.exported(folder / "shaken.csv", "--frames")
    pd.testing.assert_frame_equal(found, expected.calm)


@pytest.mark.parametrize("name", FAILPOINTS)
def test_crashes_at_each_failpoint_change_no_row(
    name: str, database: Database, short_material: Material, tmp_path: Path
) -> None:
    with fleet_on(database, tmp_path, ingestors=1, workers=1, env=SHORT_LEASES) as fleet:
        queued = fleet.installation.run("analyze", *short_material.clips, "--detach")
        assert queued.returncode == 0, queued.stderr
        times = 1 if name == "handover" else 3
        victim = "ingest-0" if name == "after-publish" else "worker-0"
        service = fleet.services[victim]
        service.env = {"MOODLINE_FAILPOINT": f"{name}:{times}"}
        fleet.kill(victim)

        def deaths() -> int:
            """Restarts of the worker, or of the decoders, which are children of the service."""
            if victim == "worker-0":
                return service.starts - 2
            return (fleet.folder / f"{victim}.log").read_text().count("ingestor crashed")

        assert run_until(fleet, lambda: deaths() >= 3 or ended(fleet)), fleet.logs()
        assert deaths() >= 3, "the analysis ended before three crashes"
        service.env = {}
        fleet.kill(victim)
        assert run_until(fleet, lambda: ended(fleet)), fleet.logs()

    assert_exact(fleet, database, short_material, tmp_path)


def test_twenty_kills_and_a_database_outage_change_no_row(
    database: Database, long_material: Material, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    begin = time.monotonic()
    with fleet_on(database, tmp_path, ingestors=2, workers=2, env=SHORT_LEASES) as fleet:
        queued = fleet.installation.run("analyze", *long_material.clips, "--detach")
        assert queued.returncode == 0, queued.stderr
        victims = [*fleet.services, "broker"]
        for kill in range(KILLS):
            reached = frames(fleet) + chance.randint(0, 120)
            run_until(fleet, lambda aim=reached: frames(fleet) >= aim or ended(fleet), 15)
            assert not ended(fleet), f"the analysis ended before kill {kill}"
            victim = chance.choice(victims)
            print(f"{time.monotonic() - begin:5.1f} s: {frames(fleet):5} frames, kill {victim}")
            if victim == "broker":
                fleet.kill_broker()
            else:
                fleet.kill(victim)
            if kill == KILLS // 2:
                with database.outage():
                    run_until(fleet, lambda: False, OUTAGE_S)
                print(f"{time.monotonic() - begin:5.1f} s: the database is back")
        assert run_until(fleet, lambda: ended(fleet)), fleet.logs()
        print(f"{time.monotonic() - begin:5.1f} s: all runs have ended")

    assert_exact(fleet, database, long_material, tmp_path)


def test_three_ingestors_and_four_workers_share_twenty_runs(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clips = material(tmp_path_factory.mktemp("twenty"), scenes(), 20, 50.0)
    with ExitStack() as servers:
        server = servers.enter_context(private_postgresql())
        database = Database(server.url, server.crash)
        fleet = servers.enter_context(
            fleet_on(database, tmp_path, ingestors=3, workers=4, env=SHORT_LEASES)
        )
        fleet.installation.run("analyze", *clips.clips, "--detach")
        distribution = servers.enter_context(RunDistribution.of(fleet))
        for victim in ("worker-1", "ingest-2"):
            aim = frames(fleet) + 1500
            done = run_until(fleet, lambda aim=aim: distribution.sample() or frames(fleet) >= aim)
            assert done, fleet.logs()
            fleet.kill(victim)
            distribution.note_kill()
        assert run_until(fleet, lambda: distribution.sample() or ended(fleet)), fleet.logs()
        assert_exact(fleet, database, clips, tmp_path)

    print(len(distribution.samples), "samples; uneven:", distribution.uneven)
    assert len(distribution.samples) > 10
    assert len(distribution.uneven) <= len(distribution.samples) // 100


@dataclass
class RunDistribution:
    """Samples of the number of runs that each worker holds, taken while nothing changes.

    A worker that comes back is noticed at one heartbeat, is given a run at the next and takes it at
    the third: a second apart, and between two batches.
    """

    SETTLED_S: ClassVar = 4.0

    bus: Bus
    samples: list[list[int]] = field(default_factory=list)
    uneven: list[list[int]] = field(default_factory=list)
    _state: object = None
    _since: float = 0.0

    @classmethod
    @contextmanager
    def of(cls, fleet: Fleet) -> Iterator["RunDistribution"]:
        engine = open_engine(fleet.installation.env["MOODLINE_DATABASE_URL"])
        distribution = cls(Bus.connect(fleet.broker.url, read_broker_key(engine)))
        engine.dispose()
        yield distribution
        distribution.bus.close()

    def note_kill(self) -> None:
        """Take the next sample only after the workers have settled again."""
        self._state = None

    def sample(self) -> bool:
        """Take a sample if nothing changed for SETTLED_S. Return False, for use in conditions."""
        workers = Presence(self.bus, WorkerReport).alive()
        state = (tuple(OpenRuns(self.bus).scan()[1]), tuple(one.id for one in workers))
        if state != self._state:
            self._state, self._since = state, time.monotonic()
        elif time.monotonic() - self._since > self.SETTLED_S and state[0]:
            held = [len(one.runs) for one in workers]
            self.samples.append(held)
            if max(held) - min(held) > 1:
                self.uneven.append(held)
        return False
