"""The scheduler: runs jobs at their times, each time once, with any number of schedulers.

One scheduler is active and holds a lease in SQL; the others stand by. When a scheduler becomes
active, it runs each job once for the latest time that was missed while none was active.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine, func, select, update

from analytics.scheduling.job_history import LEASE
from analytics.scheduling.times import JobTimes
from contracts.errors import DatabaseError, MoodlineError
from contracts.redaction import redact
from contracts.times import EPOCH, utc_now
from records.database import transaction
from records.leases import acquire_lease, holds_lease, release_lease
from records.tables.operations import JobRun
from records.upsert import upsert

log = structlog.get_logger()

_THREADS: Final = 4
_WAITING: Final = "waiting"


@dataclass(frozen=True, slots=True)
class Job:
    """A recurring job. run: performs it and returns its result as one line.

    since: times before it are not caught up. quiet: successful runs are not logged. waits: the job
    mostly waits; such jobs have threads of their own, so that they do not delay the others.
    """

    name: str
    times: JobTimes
    run: Callable[[], str]
    since: datetime = EPOCH
    quiet: bool = False
    waits: bool = False


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
    ) -> None:
        self.trouble = ""
        self._engine = engine
        self._read_jobs = jobs
        self._holder = holder
        self._lease_s = lease_s
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
        self._running.start()
        log.info("scheduler active")

    def _end(self) -> None:
        assert self._running is not None
        self._running.shutdown(wait=False)
        self._running, self._jobs = None, {}

    def _schedule(self, running: BackgroundScheduler, jobs: dict[str, Job]) -> None:
        for name in set(self._jobs) - set(jobs):
            running.remove_job(name)
        for name, job in jobs.items():
            known = self._jobs.get(name)
            if known is None or known.times.text != job.times.text:
                # Run it at once too: it may have missed a time.
                running.add_job(
                    self._run_due,
                    job.times.trigger,
                    args=[name],
                    id=name,
                    executor=_WAITING if job.waits else "default",
                    replace_existing=True,
                    next_run_time=utc_now(),
                )
        self._jobs = jobs

    def _run_due(self, name: str) -> None:
        """Run the job for its latest due time, unless another scheduler did."""
        job = self._jobs.get(name)
        try:
            due = self._claim(job) if job is not None else None
        except DatabaseError as exc:
            log.warning("job not started", job=name, reason=exc.line())
            return
        if job is None or due is None:
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

    def _claim(self, job: Job) -> datetime | None:
        """Claim the job's latest due time; None if no time is due or another scheduler has it."""
        with transaction(self._engine) as connection:
            if not holds_lease(connection, LEASE, self._holder):
                return None
            last = connection.execute(
                select(func.max(JobRun.scheduled_at)).where(JobRun.job == job.name)
            ).scalar()
            due = job.times.latest(max(last or job.since, job.since), utc_now())
            if due is None:
                return None
            made = upsert(connection, JobRun).values(
                job=job.name, scheduled_at=due, holder=self._holder, started_at=utc_now()
            )
            first = connection.execute(made.on_conflict_do_nothing()).rowcount
        return due if first else None

    def _record_result(self, name: str, due: datetime, result: str, error: str) -> None:
        with transaction(self._engine) as connection:
            connection.execute(
                update(JobRun)
                .where(JobRun.job == name, JobRun.scheduled_at == due)
                .values(finished_at=utc_now(), result=result, error=error)
            )
