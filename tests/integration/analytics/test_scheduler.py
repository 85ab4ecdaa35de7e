"""Given any number of schedulers, each job runs once at each of its times."""

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Engine, insert, select

from analytics.runs.run_list import list_runs
from analytics.scheduling.job_history import LEASE, last_runs
from analytics.scheduling.scheduler import Job, Scheduler
from analytics.scheduling.times import cron, every
from analytics.snapshots import in_snapshot
from contracts.errors import MoodlineError, SettingsError, SourceError
from contracts.settings import Settings
from contracts.times import utc_now
from moodline.services.folder_watch import queue_new_recordings
from moodline.services.scheduled_jobs import job_statuses, scheduled_jobs
from records import leases
from records.database import reading, transaction
from records.leases import acquire_lease
from records.tables.operations import JobRun, Lease
from records.watched_folders import add_folder, remove_folder, watched_folders
from runtime import process_identity
from runtime.process_identity import claimant_name
from tests.e2e.commands import poll
from tests.e2e.warm import start_warm

HANDOVER_S = 15


def holder(engine: Engine) -> str:
    with reading(engine) as connection:
        return connection.execute(select(Lease.holder)).scalar() or ""


def job_runs(engine: Engine, job: str = "tick") -> list[datetime]:
    with reading(engine) as connection:
        query = select(JobRun.scheduled_at).where(JobRun.job == job).order_by(JobRun.scheduled_at)
        return list(connection.execute(query).scalars())


@pytest.fixture
def schedulers(engine: Engine, tmp_path: Path) -> Iterator[list[BaseProcess]]:
    url = engine.url.render_as_string(hide_password=False)
    arguments = "tests.scheduler_process", url, str(tmp_path / "ticks")
    started: list[BaseProcess] = [start_warm(*arguments) for _ in range(2)]
    yield started
    for one in started:
        one.kill()
        one.join()


@pytest.mark.both_databases
def test_a_standby_scheduler_takes_over_and_each_time_runs_once(
    engine: Engine, tmp_path: Path, schedulers: list[BaseProcess]
) -> None:
    poll(lambda: len(job_runs(engine)) >= 3)
    active = next(one for one in schedulers if f":{one.pid}:" in holder(engine))
    standby = next(one for one in schedulers if one is not active)
    active.kill()
    active.join()
    killed_at = utc_now()
    poll(lambda: f":{standby.pid}:" in holder(engine))
    poll(lambda: job_runs(engine)[-1] > killed_at)
    times = job_runs(engine)
    after = next(time for time in times if time > killed_at)
    assert (after - killed_at).total_seconds() < HANDOVER_S
    poll(lambda: len(job_runs(engine)) >= len(times) + 1)
    standby.kill()
    standby.join()
    # Each time has one row; a kill can happen between the row and the run.
    ran = len((tmp_path / "ticks").read_text().splitlines())
    assert len(job_runs(engine)) - 2 <= ran <= len(job_runs(engine))
    assert len(set(times)) == len(times) and all(one.microsecond == 0 for one in times)


@pytest.mark.both_databases
def test_a_scheduler_takes_over_from_a_dead_host_when_the_lease_expires(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease_s = Settings(home=tmp_path).lease_s
    assert lease_s < HANDOVER_S - 2  # One step before, and one after.
    died_at = utc_now()

    def set_clock(seconds: float) -> None:
        """Set the clock of the leases to a time after died_at."""
        for module in (leases, process_identity):
            monkeypatch.setattr(module, "utc_now", lambda: died_at + timedelta(seconds=seconds))

    set_clock(0)
    acquire_lease(engine, LEASE, holder="another-host:1:1", lease_s=lease_s)
    scheduler = Scheduler(engine, list, holder=claimant_name(), lease_s=lease_s)

    def is_active_after(seconds: float) -> bool:
        set_clock(seconds)
        scheduler.step()
        return scheduler.is_active

    assert not is_active_after(0)
    assert not is_active_after(lease_s - 1)
    assert is_active_after(lease_s + 1)
    scheduler.close()


def scheduled(
    engine: Engine, jobs: list[Job], until: Callable[[], bool], holder: str = "here:1:1"
) -> None:
    """Run a scheduler in this process until `until` returns True."""
    scheduler = Scheduler(engine, lambda: jobs, holder=holder, lease_s=30)

    def stepped() -> bool:
        scheduler.step()
        return until()

    try:
        poll(stepped)
    finally:
        scheduler.close()


@pytest.mark.both_databases
def test_missed_times_are_caught_up_once(engine: Engine) -> None:
    ran: list[str] = []

    def run() -> str:
        ran.append("x")
        return "done"

    long_ago = utc_now() - timedelta(days=5)
    with transaction(engine) as connection:
        connection.execute(
            insert(JobRun).values(
                job="daily", scheduled_at=long_ago, holder="h", started_at=long_ago
            )
        )
    due = utc_now() - timedelta(minutes=2)
    jobs = [Job("daily", cron(f"{due.minute} {due.hour} * * *"), run)]
    scheduled(engine, jobs, lambda: in_snapshot(engine, last_runs)["daily"].result == "done")
    scheduled(engine, jobs, lambda: True)
    assert ran == ["x"]
    latest = job_runs(engine, "daily")[-1]
    assert timedelta(0) < utc_now() - latest < timedelta(minutes=10)


def test_a_failed_job_records_its_error_and_other_jobs_still_run(engine: Engine) -> None:
    def fail() -> str:
        raise MoodlineError("the disk is full", hint="Make room")

    def crash() -> str:
        raise RuntimeError("rtsp://user:secret@camera/ broke")

    jobs = [Job("fails", every(60), fail), Job("crashes", every(60), crash)]
    jobs.append(Job("works", every(60), lambda: "fine"))

    def all_ended() -> bool:
        runs = in_snapshot(engine, last_runs)
        return len(runs) == 3 and all(one.finished_at for one in runs.values())

    scheduled(engine, jobs, all_ended)
    runs = in_snapshot(engine, last_runs)
    assert runs["fails"].error == "the disk is full. Make room"
    assert "secret" not in runs["crashes"].error and runs["crashes"].error
    assert (runs["works"].result, runs["works"].error) == ("fine", "")


def test_waiting_jobs_do_not_delay_other_jobs(engine: Engine) -> None:
    done = Event()

    def wait() -> str:
        assert done.wait(60)
        return "waited"

    jobs = [Job(f"folder {n}", every(3600), wait, waits=True) for n in range(6)]
    jobs.append(Job("rollups", every(3600), lambda: "rolled up"))

    def rolled_up() -> bool:
        runs = in_snapshot(engine, last_runs)
        if "rollups" in runs and runs["rollups"].result == "rolled up":
            assert [one.running for one in runs.values()].count(True) == len(runs) - 1 > 0
            done.set()
        return done.is_set()

    scheduled(engine, jobs, rolled_up, holder=claimant_name())


def test_a_running_and_a_killed_job_have_different_results(engine: Engine, tmp_path: Path) -> None:
    me, began = claimant_name(), utc_now()
    acquire_lease(engine, LEASE, holder=me, lease_s=60)
    with transaction(engine) as connection:
        for job, holder in (("retention", me), ("maintenance", "gone")):
            connection.execute(
                insert(JobRun).values(job=job, scheduled_at=began, holder=holder, started_at=began)
            )
    statuses = {one.job: one for one in job_statuses(Settings(home=tmp_path), engine)}
    assert statuses["retention"].result == f"running since {began:%H:%M:%S} UTC"
    assert statuses["maintenance"].error == "did not end: its scheduler was killed"
    assert statuses["rollups"].result == statuses["rollups"].error == ""


@pytest.mark.both_databases
def test_a_live_scheduler_keeps_the_lease(engine: Engine) -> None:
    first = Scheduler(engine, list, holder=claimant_name(), lease_s=30)
    second = Scheduler(engine, list, holder="elsewhere:1:1", lease_s=30)
    first.step()
    second.step()
    assert first.is_active and not second.is_active
    first.close()
    second.step()
    assert second.is_active
    second.close()


def test_a_watched_folder_queues_files_that_stopped_growing(engine: Engine, tmp_path: Path) -> None:
    settings, folder = Settings(home=tmp_path), tmp_path / "recordings"
    folder.mkdir()
    (folder / "whole.mp4").write_bytes(b"whole")
    growing = folder / "growing.mp4"
    growing.write_bytes(b"half")
    add_folder(engine, "r", str(folder), every_s=60, cron=None, sampling_fps=5.0, source=None)
    (watched,) = watched_folders(engine)

    def grows(_seconds: float) -> None:
        growing.write_bytes(b"half and more")

    def nothing(_seconds: float) -> None:
        return

    assert (
        queue_new_recordings(settings, engine, watched, wait=grows) == "1 queued, 1 still growing"
    )
    (run,) = in_snapshot(engine, list_runs)
    assert run.source == "recordings/whole.mp4"
    assert (
        queue_new_recordings(settings, engine, watched, wait=nothing) == "1 queued, 0 still growing"
    )
    assert len(in_snapshot(engine, list_runs)) == 2
    assert (
        queue_new_recordings(settings, engine, watched, wait=nothing) == "2 recordings, nothing new"
    )
    shutil.rmtree(folder)
    with pytest.raises(SourceError, match="not a folder"):
        queue_new_recordings(settings, engine, watched, wait=nothing)


def test_each_watched_folder_has_a_job_until_it_is_removed(engine: Engine, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    add_folder(engine, "a", "/a", every_s=600, cron=None, sampling_fps=None, source=None)
    add_folder(engine, "b", "/b", every_s=None, cron="0 20 * * *", sampling_fps=None, source="s")
    with pytest.raises(SettingsError, match="already exists"):
        add_folder(engine, "a", "/c", every_s=60, cron=None, sampling_fps=None, source=None)
    names = [job.name for job in scheduled_jobs(settings, engine)]
    always = ["rollups", "health", "retention", "maintenance", "uploads"]
    assert names == [*always, "folder a", "folder b"]
    remove_folder(engine, "a")
    assert "folder a" not in [job.name for job in scheduled_jobs(settings, engine)]
    with pytest.raises(SettingsError, match="no watched folder"):
        remove_folder(engine, "a")
