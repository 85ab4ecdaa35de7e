"""The rules on upkeep: disk, clock, scheduled jobs, rollups and dead letters."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from analytics.health.facts import Disk, Facts, JobFact, Stored
from analytics.health.verdict import Kind, Level, Problem, Remedy
from analytics.runs.number_text import count_text
from analytics.scheduling.job_plans import HEALTH, RETENTION, ROLLUPS, UPLOADS

_REMOVING: Final = (RETENTION, UPLOADS)
_ROLLUPS_LATE: Final = timedelta(minutes=5)
_FULL_BYTES: Final = 100 * 10**6
"""Below this, a database can soon store nothing."""


def disk_problems(facts: Facts) -> Iterator[Problem]:
    """Yield the folders whose disk is nearly full."""
    for disk in facts.disks:
        if disk.holds_records and disk.free < _FULL_BYTES:
            text = f"The disk of {disk.folder} is full ({_gb(disk)} free): nothing can be stored."
            yield _disk(Kind.DISK_FULL, Level.DOWN, disk, text)
        elif disk.free < disk.least:
            text = (
                f"Only {_gb(disk)} are free on the disk of {disk.folder}: uploads, copies and "
                "exports have stopped."
            )
            yield _disk(Kind.DISK_LOW, Level.DEGRADED, disk, text)


def _disk(kind: Kind, level: Level, disk: Disk, text: str) -> Problem:
    remedy = Remedy(f"df -h {disk.folder}", "system#storage", "Open storage")
    return Problem(kind, level, disk.folder, text, None, remedy)


def _gb(disk: Disk) -> str:
    return f"{disk.free / 1e9:.1f} GB"


def upkeep_problems(facts: Facts) -> Iterator[Problem]:
    """Yield what is wrong with clock, jobs, rollups and single frames."""
    stored = facts.stored
    if stored is None:
        return
    if stored.removal_waits_until is not None:
        until = f"{stored.removal_waits_until:%Y-%m-%d %H:%M} UTC"
        text = f"The clock jumped: nothing is removed by its age until {until}."
        yield Problem(
            Kind.CLOCK_SET, Level.DEGRADED, "", text, None, Remedy("timedatectl", "system#jobs")
        )
    yield from _job_problems(facts)
    for target in stored.silent_targets:
        text = f"Alerts do not reach {target.name}: {target.reason}."
        remedy = Remedy("moodline alert target deliveries", "alerts", "Open alerts")
        yield Problem(
            Kind.ALERTS_UNDELIVERED, Level.DEGRADED, target.name, text, target.since, remedy
        )
    letters = stored.dead_letters
    if letters.by_source:
        frames = count_text(sum(letters.by_source.values()), "frame")
        names = ", ".join(sorted(letters.by_source)[:3])
        text = f"{frames} of {names} could not be analysed, set aside in the last day."
        remedy = Remedy("moodline dead-letters", "system#letters", "Open dead letters")
        yield Problem(Kind.DEAD_LETTERS, Level.DEGRADED, "", text, letters.newest_at, remedy)


def _job_problems(facts: Facts) -> Iterator[Problem]:
    """Yield the jobs that failed or did not begin. Without a scheduler, that is the problem."""
    stored, heartbeats = facts.stored, facts.heartbeats
    services = heartbeats.services if heartbeats else ()
    if stored is None or not any(one.service == "scheduler" for one in services):
        return
    for job in stored.jobs:
        if job.name == HEALTH:
            continue  # It fails with this verdict.
        if stored.removal_waits_until is not None and job.name in _REMOVING:
            continue
        found = _job_trouble(job, stored, facts.now)
        if found is not None:
            kind, text, since = found
            remedy = Remedy("moodline schedule list", "system#jobs", "Open jobs")
            yield Problem(kind, Level.DEGRADED, job.name, text, since, remedy)


def _job_trouble(
    job: JobFact, stored: Stored, now: datetime
) -> tuple[Kind, str, datetime | None] | None:
    if job.error:
        return Kind.JOB_FAILED, f"The job {job.name} failed: {job.error}.", job.failed_at
    if job.overdue_since is not None:
        return Kind.JOB_OVERDUE, f"The job {job.name} is overdue.", job.overdue_since
    is_late = job.finished_at is not None and now - job.finished_at > _ROLLUPS_LATE
    if job.name == ROLLUPS and stored.minutes_wait and is_late:
        text = "Trends lacks the newest data, which is still being summed up."
        return Kind.ROLLUPS_OLD, text, job.finished_at
    return None
