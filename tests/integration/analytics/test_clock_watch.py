"""Given a clock that is set, jobs keep running, and data is not removed by a false age."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select

from analytics.scheduling import scheduler as scheduler_module
from analytics.scheduling.clock_watch import ClockWatch, removal_waits_until
from analytics.scheduling.job_history import LEASE
from analytics.scheduling.scheduler import Job, Scheduler
from analytics.scheduling.times import cron, every
from analytics.snapshots import in_snapshot
from contracts.settings import Settings
from moodline.services.scheduled_jobs import job_statuses
from records import leases
from records.database import reading, transaction
from records.leases import acquire_lease
from records.tables.operations import JobRun
from runtime import process_identity
from runtime.clock_steps import HostClock
from tests.e2e.commands import poll

NOW = datetime(2026, 11, 29, 12, 0, 3, tzinfo=UTC)
DAY = timedelta(days=1)
YEARS = timedelta(days=3287)


@dataclass
class SetClock:
    """The clock of the host for everything that asks: a test sets it and lets it run."""

    now: datetime = NOW
    elapsed_s: float = 1000.0
    host: HostClock = field(init=False)

    def __post_init__(self) -> None:
        self.host = HostClock(lambda: self.now, lambda: self.elapsed_s)

    def run(self, seconds: float) -> None:
        self.elapsed_s += seconds
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    one = SetClock()

    class Clock(datetime):
        """The clock that APScheduler asks for the time."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return one.now.astimezone(tz)

    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Clock)
    for module in (scheduler_module, leases, process_identity):
        monkeypatch.setattr(module, "utc_now", lambda: one.now)
    return one


@dataclass
class Site:
    """A scheduler whose jobs report that they ran."""

    engine: Engine
    clock: SetClock
    removes: bool = False
    ran: list[datetime] = field(default_factory=list)
    times: Any = field(default_factory=lambda: every(10))
    since: datetime | None = None

    def __post_init__(self) -> None:
        since = {} if self.since is None else {"since": self.since}
        job = Job("tick", self.times, self.tick, removes=self.removes, **since)
        self.scheduler = Scheduler(
            self.engine, lambda: [job], holder="here:1:1", lease_s=30, clock=self.clock.host
        )

    def tick(self) -> str:
        self.ran.append(self.clock.now)
        return "ticked"

    def step_until(self, condition: Callable[[], bool]) -> None:
        def stepped() -> bool:
            self.scheduler.step()
            return condition()

        poll(stepped)
        running = self.scheduler._running
        assert running is not None
        # APScheduler passes over a job that it takes for running, and this clock stands still.
        poll(lambda: not any(any(one._instances.values()) for one in running._executors.values()))

    def passed_over(self) -> None:
        """Wait until the scheduler has decided about its job, and did not run it."""
        asked = Event()
        running = self.scheduler._running
        assert running is not None
        count = len(self.ran)
        running.add_job(asked.set)
        assert asked.wait(60)
        poll(lambda: all(job.next_run_time > self.clock.now for job in running.get_jobs()))
        assert len(self.ran) == count


def job_runs(engine: Engine, job: str = "tick") -> list[datetime]:
    with reading(engine) as connection:
        query = select(JobRun.scheduled_at).where(JobRun.job == job).order_by(JobRun.scheduled_at)
        return list(connection.execute(query).scalars())


def write_job_run(engine: Engine, at: datetime, job: str = "tick") -> None:
    with transaction(engine) as connection:
        connection.execute(
            insert(JobRun).values(job=job, scheduled_at=at, holder="h", started_at=at)
        )


@pytest.fixture
def site(engine: Engine, clock: SetClock) -> Iterator[Site]:
    one = Site(engine, clock)
    yield one
    one.scheduler.close()


@pytest.mark.parametrize("back", [timedelta(hours=1), YEARS])
def test_jobs_continue_at_once_when_the_clock_is_set_back(site: Site, back: timedelta) -> None:
    site.clock.now += back
    site.step_until(lambda: len(site.ran) == 1)
    site.clock.now -= back
    site.clock.run(1)
    site.step_until(lambda: len(site.ran) == 2)
    assert site.ran[-1] == NOW + timedelta(seconds=1)
    assert job_runs(site.engine) == [NOW - timedelta(seconds=3)]
    site.clock.run(10)
    site.step_until(lambda: len(site.ran) >= 2)


@pytest.mark.both_databases
def test_jobs_run_after_a_restart_with_a_clock_that_was_set_back(site: Site) -> None:
    for ahead in (timedelta(minutes=30), YEARS):
        write_job_run(site.engine, NOW + ahead)
    acquire_lease(site.engine, LEASE, holder="another-host:1:1", lease_s=YEARS.total_seconds())
    site.step_until(lambda: len(site.ran) == 1)
    assert job_runs(site.engine) == [NOW - timedelta(seconds=3)]


def test_a_folder_that_was_added_in_the_future_is_checked(engine: Engine, clock: SetClock) -> None:
    site = Site(engine, clock, since=NOW + YEARS)
    site.step_until(lambda: len(site.ran) == 1)
    site.scheduler.close()


def test_a_step_from_1970_runs_each_job_once_and_lists_no_missed_time(
    site: Site, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.now = datetime(1970, 1, 1, 0, 0, 17, tzinfo=UTC)
    site.step_until(lambda: len(site.ran) == 1)
    asked: list[datetime] = []
    trigger = type(site.times.trigger)
    next_after = trigger.next_after

    def counted(self: Any, moment: datetime) -> datetime | None:
        asked.append(moment)
        return next_after(self, moment)

    monkeypatch.setattr(trigger, "next_after", counted)
    clock.now = NOW
    clock.run(1)
    site.step_until(lambda: len(site.ran) == 2)
    assert len(asked) < 200, "all times since 1970 are 178 million"
    assert job_runs(site.engine)[-1] == NOW - timedelta(seconds=3)


@pytest.mark.parametrize("times", [every(10), cron("* * * * *")])
def test_nothing_is_removed_after_a_jump_until_a_day_has_passed(
    engine: Engine, clock: SetClock, times: Any
) -> None:
    site = Site(engine, clock, removes=True, times=times)
    site.step_until(lambda: len(site.ran) == 1)
    clock.now += YEARS
    clock.run(1)
    site.scheduler.step()
    site.passed_over()
    jumped = NOW + YEARS + timedelta(seconds=1)
    assert in_snapshot(engine, removal_waits_until, clock.now) == jumped + DAY
    clock.run(DAY.total_seconds() - 10)
    site.scheduler.step()
    site.passed_over()
    clock.run(70)
    site.scheduler.step()  # It renews its lease.
    running = site.scheduler._running
    assert running is not None
    running.wakeup()
    site.step_until(lambda: len(site.ran) == 2)
    site.scheduler.close()


def test_a_removing_job_that_starts_before_the_jump_is_noticed_waits_too(
    engine: Engine, clock: SetClock
) -> None:
    site = Site(engine, clock, removes=True)
    site.step_until(lambda: len(site.ran) == 1)
    clock.now += YEARS
    running = site.scheduler._running
    assert running is not None
    running.wakeup()
    site.passed_over()
    site.scheduler.close()


@pytest.mark.parametrize(
    ("gap", "wait"),
    [
        (timedelta(hours=20), None),
        (timedelta(days=3), timedelta(hours=1)),
        (-timedelta(days=3), DAY),
    ],
)
def test_a_restart_compares_the_clock_with_the_last_job_run(
    engine: Engine, clock: SetClock, gap: timedelta, wait: timedelta | None
) -> None:
    write_job_run(engine, NOW - gap)
    ClockWatch(engine, "here:1:1", clock.host).check()
    until = in_snapshot(engine, removal_waits_until, clock.now)
    assert until == (None if wait is None else NOW + wait)


def test_a_restart_does_not_end_the_wait(engine: Engine, clock: SetClock) -> None:
    write_job_run(engine, NOW)
    watch = ClockWatch(engine, "here:1:1", clock.host)
    watch.check()
    clock.now += YEARS
    watch.check()
    write_job_run(engine, clock.now, "rollups")
    clock.run(600)
    again = ClockWatch(engine, "here:2:1", clock.host)
    again.check()
    assert again.removal_waits_until() == NOW + YEARS + DAY


def test_the_list_of_jobs_says_that_retention_waits(engine: Engine, tmp_path: Any) -> None:
    begin = datetime.now(UTC)
    write_job_run(engine, begin - timedelta(days=5), "rollups")
    ClockWatch(engine, "here:1:1").check()
    found = {one.job: one for one in job_statuses(Settings(home=tmp_path), engine)}
    for job in ("retention", "uploads"):
        assert found[job].error.startswith("waits: the clock was set")
        until = found[job].next
        assert until is not None
        assert timedelta(minutes=59) < until - begin < timedelta(minutes=70)
    assert not found["rollups"].error.startswith("waits")
