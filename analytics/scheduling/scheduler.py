"""The scheduler: runs jobs at their times, each time once, with any number of schedulers.

One scheduler is active and holds a lease in SQL; the others stand by. When a scheduler becomes
active, or the clock was set, it runs each job once for the latest time that was missed.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine, func, select, update

from analytics.scheduling.clock_watch import ClockWatch
from analytics.scheduling.job_history import LEASE
from analytics.scheduling.times import JobTimes
from contracts.errors import DatabaseError, MoodlineError
from contracts.redaction import redact
from contracts.times import EPOCH, utc_now
from records.database import transaction
from records.leases import acquire_lease, holds_lease, release_lease
from records.tables.operations import JobRun
from records.upsert import upsert
from runtime.clock_steps import HOST_CLOCK, HostClock

log = structlog.get_logger()

_THREADS: Final = 4
_WAITING: Final = "waiting"
_MOST_COUNTED: Final = 1000


@dataclass(frozen=True, slots=True)
class Job:
    """A recurring job. run: performs it and returns its result as one line.

    since: times before it are not caught up. quiet: successful runs are not logged. waits: the job
    mostly waits; such jobs have threads of their own, so that they do not delay the others.
    removes: the job removes data by its age, so it does not trust a clock that has just jumped.
    """

    name: str
    times: JobTimes
    run: Callable[[], str]
    since: datetime = EPOCH
    quiet: bool = False
    waits: bool = False
    removes: bool = False


class Scheduler:
    """Runs the jobs while it holds the lease. Call `step` about once a second; it returns soon.

    jobs: called at each step, because the list of jobs may change. trouble: the reason why the
    last step failed, or "".
    """

    def __init__(
        self,
        engine: Engine,
        jobs: Callable[[], Sequence[Job]],
        *,
        holder: str,
        lease_s: float,
        clock: HostClock = HOST_CLOCK,
    ) -> None:
        self.trouble = ""
        self._engine = engine
        self._read_jobs = jobs
        self._holder = holder
        self._lease_s = lease_s
        self._clock = clock
        self._watch: ClockWatch | None = None
        self._plans_again = False
        self._waiting: dict[str, datetime] = {}
        self._jobs: dict[str, Job] = {}
        self._running: BackgroundScheduler | None = None

    @property
    def is_active(self) -> bool:
        """Whether this scheduler holds the lease and runs the jobs."""
        return self._running is not None

    def step(self) -> None:
        """Renew the lease or try to take it, and schedule exactly the current jobs."""
        try:
            mine = acquire_lease(self._engine, LEASE, holder=self._holder, lease_s=self._lease_s)
            jobs = {job.name: job for job in self._read_jobs()} if mine else {}
            if not mine:
                self._watch = None
            elif self._watch is None:
                self._watch = ClockWatch(self._engine, self._holder, self._clock)
            if self._watch is not None and self._watch.check():
                self._plans_again = True
        except DatabaseError as exc:
            # The lease may expire meanwhile: each start of a job checks it again.
            self.trouble = exc.line()
            return
        self.trouble = ""
        if mine and self._running is None:
            self._begin()
        elif not mine and self._running is not None:
            log.warning("another scheduler took over")
            self._end()
        if self._running is not None:
            self._schedule(self._running, jobs)

    def close(self) -> None:
        """Wait for the jobs that are running, then release the lease."""
        if self._running is None:
            return
        self._running.shutdown(wait=True)
        self._running = None
        with suppress(DatabaseError):
            release_lease(self._engine, LEASE, holder=self._holder)

    def _begin(self) -> None:
        self._running = BackgroundScheduler(
            timezone=UTC,
            executors={
                "default": {"type": "threadpool", "max_workers": _THREADS},
                _WAITING: {"type": "threadpool", "max_workers": _THREADS},
            },
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )
        # It warns when a run is skipped because the one before has not ended, as on a busy machine.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._running.start()
        log.info("scheduler active")

    def _end(self) -> None:
        assert self._running is not None
        self._running.shutdown(wait=False)
        self._running, self._jobs = None, {}

    def _schedule(self, running: BackgroundScheduler, jobs: dict[str, Job]) -> None:
        for known in running.get_jobs():
            if known.id not in jobs:
                running.remove_job(known.id)
        known = {} if self._plans_again else self._jobs
        self._jobs, self._plans_again = jobs, False
        for name, job in jobs.items():
            until = self._waiting.pop(name, None)
            if name not in known or known[name].times.text != job.times.text:
                # Run it at once too: it may have missed a time.
                self._plan(running, job, utc_now())
            elif until is not None:
                self._plan(running, job, until)

    def _plan(self, running: BackgroundScheduler, job: Job, begin: datetime) -> None:
        """Let the job run at `begin`, and from then on at its times."""
        running.add_job(
            self._run_due,
            job.times.trigger,
            args=[job.name],
            id=job.name,
            executor=_WAITING if job.waits else "default",
            replace_existing=True,
            next_run_time=begin,
        )

    def _run_due(self, name: str) -> None:
        """Run the job for its latest due time, unless another scheduler did."""
        job = self._jobs.get(name)
        try:
            if job is None or (job.removes and self._waits_for_the_clock(job)):
                return
            due = self._claim(job)
        except DatabaseError as exc:
            log.warning("job not started", job=name, reason=exc.line())
            return
        if due is None:
            return
        result, error = "", ""
        try:
            result = job.run()
        except MoodlineError as exc:
            error = exc.line()
        except Exception as exc:  # One failing job must not stop the others.
            log.exception("job crashed", job=name)
            error = redact(f"{type(exc).__name__}: {exc}")
        if error:
            log.warning("job failed", job=name, reason=error)
        elif not job.quiet:
            log.info("job done", job=name, result=result)
        with suppress(DatabaseError):
            self._record_result(name, due, result, error)

    def _waits_for_the_clock(self, job: Job) -> bool:
        """Return whether the job must wait after a jump of the clock; the next step plans it.

        The clock is checked here too, because it may have been set after the last step.
        """
        watch = self._watch
        if watch is None:
            return True
        if watch.check():
            self._plans_again = True
        until = watch.removal_waits_until()
        if until is not None:
            log.warning("job waits: the clock was set", job=job.name, until=f"{until:%F %T} UTC")
            self._waiting[job.name] = until
        return until is not None

    def _claim(self, job: Job) -> datetime | None:
        """Claim the job's latest due time; None if no time is due or another scheduler has it."""
        with transaction(self._engine) as connection:
            if not holds_lease(connection, LEASE, self._holder):
                return None
            last = connection.execute(
                select(func.max(JobRun.scheduled_at)).where(JobRun.job == job.name)
            ).scalar()
            now = self._clock.wall()
            # A folder that was added before the clock was set back is not of the future.
            since = job.since if job.since <= now else EPOCH
            due = job.times.latest(max(last or since, since), now)
            if due is None:
                return None
            made = upsert(connection, JobRun).values(
                job=job.name, scheduled_at=due, holder=self._holder, started_at=now
            )
            first = connection.execute(made.on_conflict_do_nothing()).rowcount
        if last is not None and first:
            self._log_missed(job, last, due)
        return due if first else None

    def _log_missed(self, job: Job, last: datetime, due: datetime) -> None:
        missed = job.times.count_between(last, due, _MOST_COUNTED)
        if missed:
            least = "at least " if missed == _MOST_COUNTED else ""
            log.info("missed times are caught up once", job=job.name, missed=f"{least}{missed:,}")

    def _record_result(self, name: str, due: datetime, result: str, error: str) -> None:
        with transaction(self._engine) as connection:
            connection.execute(
                update(JobRun)
                .where(JobRun.job == name, JobRun.scheduled_at == due)
                .values(finished_at=self._clock.wall(), result=result, error=error)
            )
