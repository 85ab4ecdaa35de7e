"""The scheduler: jobs at their times, each time once, however many schedulers run.

One of them is active, by a lease in SQL; the others stand by. A time at which none was active is
caught up once: when one becomes active, each job's latest missed time is due.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Engine, func, select, update

from contracts.errors import DatabaseError, MoodlineError, SettingsError
from contracts.redaction import redact
from contracts.times import EPOCH, utc_now
from records.database import reading, transaction
from records.leases import active_holder, give_lease_up, holds_lease, take_lease
from records.tables.operations import JobRun
from records.upsert import upsert

log = structlog.get_logger()

LEASE: Final = "scheduler"
_THREADS: Final = 4
_WAITING: Final = "waiting"
_TICK: Final = timedelta(microseconds=1)
_LOOK_BACK: Final = [timedelta(hours=1), *(timedelta(days=days) for days in (1, 8, 32, 367))]
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WEEKDAY: Final = "|".join(("[0-7]", *_WEEKDAYS))
_WEEKDAY_PART: Final = re.compile(
    rf"(?:(?P<every>\*)|(?P<first>{_WEEKDAY})(?:-(?P<last>{_WEEKDAY}))?)(?:/(?P<step>\d+))?"
)


@dataclass(frozen=True, slots=True)
class Times:
    """When a job is due; `text` says it to people."""

    text: str
    trigger: BaseTrigger

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after the moment, UTC."""
        due = self.trigger.get_next_fire_time(None, moment + _TICK)
        return None if due is None else due.astimezone(UTC)

    def latest(self, after: datetime, now: datetime) -> datetime | None:
        """The latest time in (after, now], or None."""
        for back in _LOOK_BACK:
            begin = max(after, now - back)
            due = self.next_after(begin)
            if due is not None and due <= now:
                while due is not None and due <= now:
                    found, due = due, self.next_after(due)
                return found
            if begin == after:
                return None
        return None


def every(seconds: int) -> Times:
    """At multiples of `seconds` since 1970: the same times for every scheduler."""
    trigger = IntervalTrigger(seconds=seconds, start_date=EPOCH, timezone=UTC)
    return Times(f"every {timedelta(seconds=seconds)}", trigger)


def cron(expression: str, zone: tzinfo = UTC) -> Times:
    """Five fields, as cron has them, on that zone's clock. Raises SettingsError.

    Day of month and day of week must both hold.
    """
    try:
        fields = expression.split()
        translated = " ".join([*fields[:4], *map(_weekday_names, fields[4:])])
        return Times(f"{expression} ({zone})", CronTrigger.from_crontab(translated, timezone=zone))
    except ValueError as exc:
        raise SettingsError(
            f"{expression!r} is no cron expression: {exc}",
            hint="Five fields, as in '*/30 8-18 * * mon-fri'",
        ) from exc


def _weekday_names(field: str) -> str:
    """Cron's weekdays by name: its numbers begin with Sunday, APScheduler's with Monday."""
    if field == "*":
        return field
    days = [day for part in field.lower().split(",") for day in _weekdays(part)]
    return ",".join(dict.fromkeys(_WEEKDAYS[day % 7] for day in days))


def _weekdays(part: str) -> Sequence[int]:
    """One part of the field: `*`, a day or a range, perhaps with a step. Raises ValueError."""
    found = _WEEKDAY_PART.fullmatch(part)
    if found is None:
        raise ValueError(f"{part!r} is no day of the week")
    step = int(found["step"] or 1)
    if not step:
        raise ValueError("a step is 1 at least")
    if found["every"]:
        return range(0, 7, step)
    first = _weekday(found["first"])
    if found["last"] is None:
        return range(first, 7 if found["step"] else first + 1, step)
    last = _weekday(found["last"])
    # A range may reach over the week's end, as in fri-mon.
    return range(first, (last if last >= first else last + 7) + 1, step)


def _weekday(text: str) -> int:
    """0 and 7 are Sunday."""
    return int(text) if text.isdigit() else _WEEKDAYS.index(text)


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done again and again. run: does it, and says in a line what came of it.

    since: times before that are not caught up. quiet: its success is not worth a line in the log.
    waits: most of its time it does nothing; such jobs do not keep the others from running.
    """

    name: str
    times: Times
    run: Callable[[], str]
    since: datetime = EPOCH
    quiet: bool = False
    waits: bool = False


class Scheduler:
    """Runs the jobs while it has the lease. `step` returns soon; call it about once a second.

    jobs: called at each step, for what its owner schedules may change. trouble: what keeps it from
    working now, or "".
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
        """Whether this is the one that runs the jobs."""
        return self._running is not None

    def step(self) -> None:
        """Keep the lease, or try to get it; have exactly today's jobs scheduled."""
        try:
            mine = take_lease(self._engine, LEASE, holder=self._holder, lease_s=self._lease_s)
            jobs = {job.name: job for job in self._read_jobs()} if mine else {}
        except DatabaseError as exc:
            # The lease may run out meanwhile; each start of a job asks for it once more.
            self.trouble = exc.line()
            return
        self.trouble = ""
        if mine and self._running is None:
            self._begin()
        elif not mine and self._running is not None:
            log.warning("another scheduler took over")
            self._end()
        if self._running is not None:
            self._keep(self._running, jobs)

    def close(self) -> None:
        """Finish the jobs that run just now, and let another take over."""
        if self._running is None:
            return
        self._running.shutdown(wait=True)
        self._running = None
        with suppress(DatabaseError):
            give_lease_up(self._engine, LEASE, holder=self._holder)

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

    def _keep(self, running: BackgroundScheduler, jobs: dict[str, Job]) -> None:
        for name in set(self._jobs) - set(jobs):
            running.remove_job(name)
        for name, job in jobs.items():
            known = self._jobs.get(name)
            if known is None or known.times.text != job.times.text:
                # At once, too: it may have missed a time.
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
        """Run the job for its latest time, if nobody did."""
        job = self._jobs.get(name)
        try:
            due = self._claim(job) if job is not None else None
        except DatabaseError as exc:
            log.warning("cannot start a job", job=name, reason=exc.line())
            return
        if job is None or due is None:
            return
        result, error = "", ""
        try:
            result = job.run()
        except MoodlineError as exc:
            error = exc.line()
        except Exception as exc:  # A job that fails must not end those beside it.
            log.exception("job crashed", job=name)
            error = redact(f"{type(exc).__name__}: {exc}")
        if error:
            log.warning("job failed", job=name, reason=error)
        elif not job.quiet:
            log.info("job done", job=name, result=result)
        with suppress(DatabaseError):
            self._note(name, due, result, error)

    def _claim(self, job: Job) -> datetime | None:
        """The time that it is due for, now this scheduler's to run; None: there is none."""
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

    def _note(self, name: str, due: datetime, result: str, error: str) -> None:
        with transaction(self._engine) as connection:
            connection.execute(
                update(JobRun)
                .where(JobRun.job == name, JobRun.scheduled_at == due)
                .values(finished_at=utc_now(), result=result, error=error)
            )


@dataclass(frozen=True, slots=True)
class LastRun:
    """How a job's latest run went. finished_at: None while it is running, or when it was killed."""

    job: str
    scheduled_at: datetime
    started_at: datetime
    finished_at: datetime | None
    result: str
    error: str
    running: bool


def last_runs(engine: Engine) -> dict[str, LastRun]:
    """The latest run of each job, by its name."""
    latest = (
        select(JobRun.job, func.max(JobRun.scheduled_at).label("at"))
        .group_by(JobRun.job)
        .subquery()
    )
    query = select(JobRun).join(
        latest, (latest.c.job == JobRun.job) & (latest.c.at == JobRun.scheduled_at)
    )
    with reading(engine) as connection:
        active = active_holder(connection, LEASE)
        return {
            row.job: LastRun(
                row.job,
                row.scheduled_at,
                row.started_at,
                row.finished_at,
                row.result,
                row.error,
                running=row.finished_at is None and row.holder == active,
            )
            for row in connection.execute(query)
        }
