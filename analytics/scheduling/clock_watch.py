"""ClockWatch: what the scheduler does about a clock that is set.

Job runs that lie in the future belong to a clock that was wrong; they are forgotten, so that their
jobs run again. After a jump of more than a day, the jobs that remove data by its age wait.
"""

from datetime import datetime, timedelta
from threading import Lock
from typing import Final

import structlog
from sqlalchemy import Connection, Engine, delete, func, select

from records.database import reading, transaction
from records.tables.operations import JobRun
from records.upsert import upsert
from runtime.clock_steps import HOST_CLOCK, ClockSteps, HostClock

log = structlog.get_logger()

CLOCK: Final = "clock"
"""The name under which jumps of the clock are kept among the job runs."""
_JUMP: Final = timedelta(days=1)
_SKEW: Final = timedelta(minutes=2)
"""Clocks of hosts may differ by this much."""
_NO_STEP: Final = timedelta(0)
_WAIT_AFTER_STEP: Final = timedelta(days=1)
_WAIT_AFTER_GAP: Final = timedelta(hours=1)
"""After a time in which no scheduler ran, and which may be a jump or not. It is time for NTP."""


class ClockWatch:
    """Notices steps of the clock, while it runs and since the last job run. Threads may share it.

    holder: the scheduler.
    """

    def __init__(self, engine: Engine, holder: str, clock: HostClock = HOST_CLOCK) -> None:
        self._engine, self._holder, self._wall = engine, holder, clock.wall
        self._steps = ClockSteps(clock)
        self._lock = Lock()
        self._step = _NO_STEP
        self._knows_the_past = False

    def check(self) -> bool:
        """Return whether the clock was set since the last call; log and store what matters.

        Raises DatabaseError; the next call then repeats what was not stored.
        """
        with self._lock:
            self._step += self._steps.check()
            if self._knows_the_past and not self._step:
                return False
            with transaction(self._engine) as connection:
                if not self._knows_the_past:
                    self._compare_with_the_past(connection)
                if self._step:
                    log.warning("the clock was set", by=_text(self._step))
                    if abs(self._step) > _JUMP:
                        self._store(connection, self._step, _WAIT_AFTER_STEP)
                _forget_future_runs(connection, self._wall())
            self._knows_the_past, self._step = True, _NO_STEP
            return True

    def removal_waits_until(self) -> datetime | None:
        """Return when data may be removed by its age, if that is later than now."""
        with reading(self._engine) as connection:
            return removal_waits_until(connection, self._wall())

    def _compare_with_the_past(self, connection: Connection) -> None:
        """Compare the clock with the last job run, of any scheduler."""
        last = connection.execute(
            select(func.max(JobRun.started_at)).where(JobRun.job != CLOCK)
        ).scalar()
        gap = _NO_STEP if last is None else self._wall() - last
        if gap < -_SKEW:
            log.warning("the clock was set back since the last job ran", by=_text(gap))
        if abs(gap) > _JUMP:
            self._store(connection, gap, _WAIT_AFTER_STEP if gap < _NO_STEP else _WAIT_AFTER_GAP)

    def _store(self, connection: Connection, step: timedelta, wait: timedelta) -> None:
        now = self._wall()
        row = {
            "job": CLOCK,
            "scheduled_at": now,
            "holder": self._holder,
            "started_at": now,
            "finished_at": now + wait,
            "result": f"set by {_text(step)}, or no scheduler ran meanwhile",
        }
        connection.execute(upsert(connection, JobRun).values(row).on_conflict_do_nothing())
        log.warning("nothing is removed by its age for a while", until=f"{now + wait:%F %T} UTC")


def removal_waits_until(connection: Connection, now: datetime) -> datetime | None:
    """Return when data may be removed by its age after a jump of the clock; None if it may now."""
    until = connection.execute(
        select(func.max(JobRun.finished_at)).where(JobRun.job == CLOCK, JobRun.scheduled_at <= now)
    ).scalar()
    return until if until is not None and until > now else None


def _forget_future_runs(connection: Connection, now: datetime) -> None:
    forgotten = connection.execute(delete(JobRun).where(JobRun.scheduled_at > now + _SKEW)).rowcount
    if forgotten:
        log.warning("forgot job runs that lie in the future", job_runs=forgotten)


def _text(step: timedelta) -> str:
    """Return a span of time with its sign, as people say it."""
    sign, size = "-" if step < _NO_STEP else "+", abs(step)
    if size >= timedelta(days=1):
        return f"{sign}{size // timedelta(days=1):,} days"
    return f"{sign}{timedelta(seconds=round(size.total_seconds()))}"
