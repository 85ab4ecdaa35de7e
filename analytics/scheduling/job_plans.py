"""Job plans: the names and times of the scheduled jobs, for those who do not run them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

ROLLUPS: Final = "rollups"
HEALTH: Final = "health"
UPLOADS: Final = "uploads"
RETENTION: Final = "retention"
MAINTENANCE: Final = "maintenance"
ALERTS: Final = "alerts"
DELIVERIES: Final = "alert deliveries"
ROLLUPS_EVERY_S: Final = 10
HEALTH_EVERY_S: Final = 60
UPLOADS_EVERY_S: Final = 600
ALERTS_EVERY_S: Final = 10
RETENTION_AT: Final = "15 3 * * *"
MAINTENANCE_AT: Final = "45 3 * * *"
_LATE: Final = timedelta(minutes=10)
"""A job that did not begin this long after its time is overdue."""


@dataclass(frozen=True, slots=True)
class JobPlan:
    """When a job runs: every so many seconds, or by a cron expression on the clock of `zone`."""

    name: str
    every_s: int | None
    cron: str | None
    zone: ZoneInfo

    def overdue_since(self, last: datetime, now: datetime) -> datetime | None:
        """Return when the job was due, if it is overdue. last: the time of its last run."""
        if now - last < _LATE:
            return None
        if self.every_s:
            due = last + timedelta(seconds=self.every_s)
            return due if now - due > _LATE else None
        # It is slow to import, and few calls come this far.
        from analytics.scheduling.times import cron  # noqa: PLC0415

        found = cron(self.cron or "", self.zone).next_after(last)
        return found if found is not None and now - found > _LATE else None


def folder_job_name(folder: str) -> str:
    """Return the name of a watched folder's job."""
    return f"folder {folder}"


def built_in_plans(zone: ZoneInfo) -> tuple[JobPlan, ...]:
    """Return the plans of the jobs that every scheduler has."""
    return (
        JobPlan(ROLLUPS, ROLLUPS_EVERY_S, None, zone),
        JobPlan(HEALTH, HEALTH_EVERY_S, None, zone),
        JobPlan(UPLOADS, UPLOADS_EVERY_S, None, zone),
        JobPlan(RETENTION, None, RETENTION_AT, zone),
        JobPlan(MAINTENANCE, None, MAINTENANCE_AT, zone),
    )
