"""Job history: the stored runs of scheduled jobs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, Subquery, delete, func, select

from records.database import transaction
from records.leases import lease_holder
from records.tables.operations import JobRun

LEASE: Final = "scheduler"
"""The name of the lease that the active scheduler holds."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """The latest run of a job.

    finished_at: None while it runs, or if its scheduler was killed. running: whether the active
    scheduler is running it now.
    """

    job: str
    scheduled_at: datetime
    started_at: datetime
    finished_at: datetime | None
    result: str
    error: str
    running: bool


def last_runs(connection: Connection) -> Mapping[str, LastRun]:
    """Return each job's latest run, by job name."""
    latest = _latest_times()
    query = select(JobRun).join(
        latest, (latest.c.job == JobRun.job) & (latest.c.at == JobRun.scheduled_at)
    )
    active = lease_holder(connection, LEASE)
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


def remove_old_job_runs(engine: Engine, before: datetime) -> int:
    """Delete runs scheduled before `before`, except each job's latest; return how many."""
    latest = _latest_times()
    kept = select(latest.c.job).where(
        latest.c.job == JobRun.job, latest.c.at == JobRun.scheduled_at
    )
    with transaction(engine) as connection:
        return connection.execute(
            delete(JobRun).where(JobRun.scheduled_at < before, ~kept.correlate(JobRun).exists())
        ).rowcount


def _latest_times() -> Subquery:
    return (
        select(JobRun.job, func.max(JobRun.scheduled_at).label("at"))
        .group_by(JobRun.job)
        .subquery()
    )
