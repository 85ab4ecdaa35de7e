"""The scheduler's jobs: rollups, health checks, retention, maintenance, uploads and folders."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Engine

from analytics.audit import remove_old_entries
from analytics.history.rollups import roll_up_all
from analytics.removal.freed_space import refresh_statistics, return_free_space
from analytics.removal.retention import RetentionPeriods, apply_retention
from analytics.removal.traces import remove_traces, rewrite_if_due
from analytics.runs.missing_steps import add_missing_steps
from analytics.runs.number_text import count_text
from analytics.scheduling.clock_watch import removal_waits_until
from analytics.scheduling.job_history import LastRun, last_runs, remove_old_job_runs
from analytics.scheduling.job_plans import (
    HEALTH,
    HEALTH_EVERY_S,
    MAINTENANCE,
    MAINTENANCE_AT,
    RETENTION,
    RETENTION_AT,
    ROLLUPS,
    ROLLUPS_EVERY_S,
    UPLOADS,
    UPLOADS_EVERY_S,
    folder_job_name,
)
from analytics.scheduling.scheduler import Job
from analytics.scheduling.times import cron, every
from analytics.snapshots import in_snapshot, snapshot
from contracts.errors import MoodlineError
from contracts.settings import Settings
from contracts.times import utc_now
from moodline.adapters.system_status import read_verdict
from moodline.services.alert_jobs import alert_jobs, remove_old_alerts
from moodline.services.folder_watch import queue_new_recordings
from records.kept_days import with_stored_days
from records.seen_services import forget_processes
from records.users.sessions import delete_expired_sessions
from records.watched_folders import WatchedFolder, watched_folders

_CLOCK_WAS_SET: Final = "waits: the clock was set, or no scheduler ran for more than a day"
_JOB_RUNS_KEPT: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job, its times, and its last run.

    when: the times as text. next, last: UTC; last is the time for which it was scheduled.
    took_s: duration of the last run; None while it runs. result, error: text, or "".
    """

    job: str
    when: str
    next: datetime | None
    last: datetime | None
    took_s: float | None
    result: str
    error: str


def scheduled_jobs(settings: Settings, engine: Engine) -> list[Job]:
    """Return the built-in jobs, and one job for each watched folder."""
    zone = settings.timezone
    return [
        Job(ROLLUPS, every(ROLLUPS_EVERY_S), partial(_fold, engine), quiet=True),
        Job(HEALTH, every(HEALTH_EVERY_S), partial(_check_health, settings, engine), quiet=True),
        Job(
            RETENTION,
            cron(RETENTION_AT, zone),
            partial(_apply_retention, settings, engine),
            removes=True,
        ),
        Job(MAINTENANCE, cron(MAINTENANCE_AT, zone), partial(_maintain, engine)),
        Job(
            UPLOADS,
            every(UPLOADS_EVERY_S),
            partial(_remove_old_uploads, settings, engine),
            quiet=True,
            removes=True,
        ),
        *alert_jobs(settings, engine),
        *(_folder_job(settings, engine, one) for one in watched_folders(engine)),
    ]


def job_statuses(settings: Settings, engine: Engine) -> list[JobStatus]:
    """Return the status of every job."""
    now, jobs = utc_now(), scheduled_jobs(settings, engine)
    with snapshot(engine) as connection:
        runs, waits_until = last_runs(connection), removal_waits_until(connection, now)
    return [
        _status(job, runs.get(job.name), now, waits_until if job.removes else None) for job in jobs
    ]


def _status(
    job: Job, last: LastRun | None, now: datetime, waits_until: datetime | None
) -> JobStatus:
    took = last.finished_at - last.started_at if last and last.finished_at else None
    return JobStatus(
        job=job.name,
        when=job.times.text,
        next=waits_until or job.times.next_after(now),
        last=last.scheduled_at if last else None,
        took_s=round(took.total_seconds(), 3) if took is not None else None,
        result=_result(last),
        error=_CLOCK_WAS_SET if waits_until else _error(last),
    )


def _result(last: LastRun | None) -> str:
    if last is not None and last.running:
        return f"running since {last.started_at:%H:%M:%S} UTC"
    return last.result if last is not None else ""


def _error(last: LastRun | None) -> str:
    if last is not None and last.finished_at is None and not last.running:
        return "did not end: its scheduler was killed"
    return last.error if last is not None else ""


def _folder_job(settings: Settings, engine: Engine, folder: WatchedFolder) -> Job:
    trigger = (
        every(folder.every_s) if folder.every_s else cron(folder.cron or "", settings.timezone)
    )
    # A new folder is checked at once: its latest time, before it was added, counts as missed.
    since = folder.created_at - timedelta(seconds=folder.every_s or 0)
    run = partial(queue_new_recordings, settings, engine, folder)
    return Job(folder_job_name(folder.name), trigger, run, since=since, waits=True)


def _remove_old_uploads(settings: Settings, engine: Engine) -> str:
    from moodline.adapters.recording_files import delete_old_copies, uploads_of

    removed = uploads_of(settings, engine).remove_expired()
    copies = delete_old_copies(settings, engine, utc_now())
    return f"deleted {count_text(removed, 'upload')} and {count_text(copies, 'annotated video')}"


def _fold(engine: Engine) -> str:
    return f"{count_text(roll_up_all(engine, newest_first=True), 'minute')} folded"


def _apply_retention(settings: Settings, engine: Engine) -> str:
    # Rows must be in the rollups before they are removed; windows that lost rows are folded again.
    settings = in_snapshot(engine, partial(with_stored_days, settings))
    roll_up_all(engine)
    removed = apply_retention(engine, RetentionPeriods.from_settings(settings))
    roll_up_all(engine)
    days = settings.keep_audit_days
    entries = remove_old_entries(engine, utc_now() - timedelta(days=days) if days else None)
    remove_old_alerts(settings, engine)
    # Not later: a large database would be rewritten every night, and its writers wait meanwhile.
    remove_traces(engine, later=False)
    return f"removed {removed.line()}, {count_text(entries, 'line')} of the audit"


def _maintain(engine: Engine) -> str:
    forgotten = remove_old_job_runs(engine, utc_now() - _JOB_RUNS_KEPT)
    forget_processes(engine, _JOB_RUNS_KEPT)
    delete_expired_sessions(engine)
    refresh_statistics(engine)  # First: on old ones PostgreSQL may plan what follows for hours.
    add_missing_steps(engine)
    return_free_space(engine)
    rewrite_if_due(engine)
    return f"freed disk space, deleted {count_text(forgotten, 'job run')}"


def _check_health(settings: Settings, engine: Engine) -> str:
    """Return that all is well. Raises MoodlineError with everything that is wrong."""
    verdict = read_verdict(settings, engine)
    if verdict.problems:
        raise MoodlineError(verdict.line().rstrip("."), hint="See `moodline status`")
    return str(verdict.level)
