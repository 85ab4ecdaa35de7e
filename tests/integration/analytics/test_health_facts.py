"""The facts of the database that the verdict depends on, and what processes note of themselves."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from analytics.health.reading import existing_folder, read_disks, read_stored
from analytics.snapshots import in_snapshot
from broker.heartbeats import Heartbeats
from contracts.live_sources import LiveState
from contracts.settings import Settings
from contracts.times import to_micros, utc_now
from records.seen_services import (
    ServiceNotes,
    ServiceProcess,
    forget_gone,
    forget_processes,
    seen_processes,
)
from records.sources.intervals import StateInterval, write_intervals
from records.sources.live_sources import SourceSettings, add_source, find_source
from records.tables.operations import JobRun
from records.tables.rollups import DirtyWindow
from records.tables.runs import DeadLetter
from tests.rows import write_run

ZONE = Settings().timezone
WORKER = ServiceProcess("host:7:1/0", "worker", "host", 7)


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.both_databases
def test_a_process_notes_itself_every_fifteen_seconds_and_at_its_end(engine: Engine) -> None:
    clock = Clock()
    notes = ServiceNotes(engine, WORKER, clock)
    notes.note_running()
    (first,) = in_snapshot(engine, seen_processes, utc_now() - timedelta(days=1))
    assert (first.process, first.stopped_at) == (WORKER, None)
    clock.now_s += 14
    notes.note_running()
    (same,) = in_snapshot(engine, seen_processes, utc_now() - timedelta(days=1))
    assert same == first
    clock.now_s += 2
    notes.note_running()
    (later,) = in_snapshot(engine, seen_processes, utc_now() - timedelta(days=1))
    assert later.seen_at > first.seen_at and later.started_at == first.started_at
    notes.note_stopped()
    (ended,) = in_snapshot(engine, seen_processes, utc_now() - timedelta(days=1))
    assert ended.stopped_at is not None
    # A worker keeps its name when it is started again.
    ServiceNotes(engine, WORKER, clock).note_running()
    (again,) = in_snapshot(engine, seen_processes, utc_now() - timedelta(days=1))
    assert again.stopped_at is None and again.started_at > first.started_at
    forget_gone(engine, ["another"])
    assert forget_processes(engine, timedelta(days=7)) == 0
    forget_gone(engine, [WORKER.id])
    assert in_snapshot(engine, seen_processes, utc_now() - timedelta(days=1)) == ()
    ServiceNotes(engine, WORKER, clock).note_running()
    assert forget_processes(engine, -timedelta(days=1)) == 1


@pytest.mark.both_databases
def test_the_facts_of_the_database(engine: Engine) -> None:
    now = utc_now()
    add_source(engine, "cam", SourceSettings("rtsp://x/y", "rtsp://x/y", None, 5.0, 640))
    source = find_source(engine, "cam")
    ended = now - timedelta(minutes=3)
    streaming = StateInterval(source.pk, LiveState.STREAMING, "", ended - timedelta(hours=1), ended)
    write_intervals(engine, [streaming])
    run_pk = write_run(engine, "r1", {0: []})
    with engine.begin() as connection:
        connection.execute(
            insert(DirtyWindow).values(source_pk=source.pk, start=to_micros(now), token=1)
        )
        connection.execute(insert(DeadLetter).values(run_pk=run_pk, seq=1, reason="x", at=now))
        old = now - timedelta(days=2)
        connection.execute(insert(DeadLetter).values(run_pk=run_pk, seq=2, reason="x", at=old))
        for minutes, error in ((40, ""), (30, "no space")):
            at = now - timedelta(minutes=minutes)
            connection.execute(
                insert(JobRun).values(
                    job="rollups",
                    scheduled_at=at,
                    holder="h",
                    started_at=at,
                    finished_at=at,
                    error=error,
                )
            )

    found = in_snapshot(engine, read_stored, Heartbeats(), ZONE, now)

    assert [(one.name, one.state) for one in found.live] == [("cam", "dead")]
    assert found.live_until == {"cam": ended}
    assert found.minutes_wait and found.folders == 0
    assert (dict(found.dead_letters.by_source), found.dead_letters.newest_at) == ({"door": 1}, now)
    rollups = next(one for one in found.jobs if one.name == "rollups")
    assert rollups.error == "no space"
    assert rollups.finished_at == now - timedelta(minutes=40)
    assert rollups.overdue_since == now - timedelta(minutes=30) + timedelta(seconds=10)
    assert found.removal_waits_until is None


def test_the_disk_of_a_folder_that_does_not_exist_yet(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    assert existing_folder(home) == tmp_path
    (disk,) = read_disks(Settings(home=home))
    assert disk.folder == str(home) and disk.free > 0 and disk.holds_records
