"""`moodline scheduler`: rollups, retention, maintenance, health checks and watched folders."""

import time
from datetime import timedelta
from functools import partial
from typing import Any, Final

import structlog
from sqlalchemy import Engine

from analytics.history.local_time import zone_named
from analytics.history.rollups import fold_all
from analytics.now.live_sources import live_lines
from analytics.removal.freed_space import give_space_back, refresh_statistics
from analytics.removal.retention import Ages, apply_retention, forget_job_runs
from analytics.runs.report import counted
from analytics.scheduler import Job, LastRun, Scheduler, cron, every, last_runs
from broker.bus import Bus
from broker.presence import Presence, SourceReport, WorkerReport
from contracts.errors import MoodlineError
from contracts.settings import Settings
from contracts.times import utc_now
from moodline.services.folder_watch import look_through
from moodline.services.health import Health, HealthServer
from moodline.services.heartbeat import Heartbeat
from moodline.stack.running_stack import running_broker
from records.database import open_engine, upgrade
from records.users import forget_sessions
from records.watched_folders import WatchedFolder, watched_folders
from runtime.process_identity import claimant_name

log = structlog.get_logger()

_TURN_S: Final = 1.0
_ROLLUPS_EVERY_S: Final = 10
_HEALTH_EVERY_S: Final = 60
_UPLOADS_EVERY_S: Final = 600
_RETENTION_AT: Final = "15 3 * * *"
_MAINTENANCE_AT: Final = "45 3 * * *"
_JOB_RUNS_KEPT: Final = timedelta(days=7)


def run_scheduler(settings: Settings) -> None:
    """Run jobs, or stand by, until SIGTERM or Ctrl-C. Outlives the database."""
    engine = open_engine(settings.effective_database_url)
    upgrade(engine)
    health = Health(2 * settings.stall_s)
    scheduler = Scheduler(
        engine,
        lambda: all_jobs(settings, engine),
        holder=claimant_name(),
        lease_s=settings.lease_s,
    )
    try:
        with (
            HealthServer(health, settings.health, settings.health_token),
            Heartbeat("scheduler", lambda: running_broker(settings), partial(_state, scheduler)),
        ):
            log.info("scheduling")
            said = ""
            while True:
                scheduler.step()
                if scheduler.trouble and scheduler.trouble != said:
                    log.warning("cannot schedule", reason=scheduler.trouble)
                said = scheduler.trouble
                health.note_turn(scheduler.trouble)
                time.sleep(_TURN_S)
    except KeyboardInterrupt:
        log.info("stopped")
    finally:
        scheduler.close()
        engine.dispose()


def _state(scheduler: Scheduler) -> tuple[str, str]:
    if scheduler.trouble:
        return "trouble", scheduler.trouble
    return ("running" if scheduler.is_active else "standby"), ""


def all_jobs(settings: Settings, engine: Engine) -> list[Job]:
    """Those that always are, and one for each watched folder."""
    zone = zone_named(settings.timezone)
    return [
        Job("rollups", every(_ROLLUPS_EVERY_S), partial(_fold, engine), quiet=True),
        Job("health", every(_HEALTH_EVERY_S), partial(_check, settings, engine), quiet=True),
        Job("retention", cron(_RETENTION_AT, zone), partial(_retain, settings, engine)),
        Job("maintenance", cron(_MAINTENANCE_AT, zone), partial(_maintain, engine)),
        Job("uploads", every(_UPLOADS_EVERY_S), partial(_uploads, settings, engine), quiet=True),
        *(_folder_job(settings, engine, one) for one in watched_folders(engine)),
    ]


def job_lines(settings: Settings, engine: Engine) -> list[dict[str, Any]]:
    """What is done when, and how it went last: job, when, next, last, took_s, result, error."""
    known, now = last_runs(engine), utc_now()
    lines = []
    for job in all_jobs(settings, engine):
        last = known.get(job.name)
        took = last.finished_at - last.started_at if last and last.finished_at else None
        lines.append(
            {
                "job": job.name,
                "when": job.times.text,
                "next": job.times.next_after(now),
                "last": last.scheduled_at if last else None,
                "took_s": round(took.total_seconds(), 3) if took is not None else None,
                "result": _result(last),
                "error": _error(last),
            }
        )
    return lines


def _result(last: LastRun | None) -> str:
    if last is not None and last.running:
        return f"runs since {last.started_at:%H:%M:%S}"
    return last.result if last is not None else ""


def _error(last: LastRun | None) -> str:
    if last is not None and last.finished_at is None and not last.running:
        return "did not end: its scheduler was killed"
    return last.error if last is not None else ""


def folder_job_name(folder: str) -> str:
    """The name of a watched folder's job."""
    return f"folder {folder}"


def _folder_job(settings: Settings, engine: Engine, folder: WatchedFolder) -> Job:
    trigger = (
        every(folder.every_s)
        if folder.every_s
        else cron(folder.cron or "", zone_named(settings.timezone))
    )

    # The first look is not the next time but the one before: at once.
    since = folder.created_at - timedelta(seconds=folder.every_s or 0)
    look = partial(look_through, settings, engine, folder)
    return Job(folder_job_name(folder.name), trigger, look, since=since, waits=True)


def _uploads(settings: Settings, engine: Engine) -> str:
    from moodline.adapters.recordings import remove_copies, uploads_of

    removed = uploads_of(settings, engine).remove_old()
    copies = remove_copies(settings, engine, utc_now())
    return f"deleted {counted(removed, 'upload')} and {counted(copies, 'annotated video')}"


def _fold(engine: Engine) -> str:
    return f"{counted(fold_all(engine, newest_first=True), 'minute')} folded"


def _retain(settings: Settings, engine: Engine) -> str:
    # What is to go must have been counted; what it changed is counted again at once.
    fold_all(engine)
    removed = apply_retention(engine, Ages.of(settings))
    fold_all(engine)
    return f"removed {removed.line()}"


def _maintain(engine: Engine) -> str:
    forgotten = forget_job_runs(engine, utc_now() - _JOB_RUNS_KEPT)
    forget_sessions(engine)
    give_space_back(engine)
    refresh_statistics(engine)
    return f"space given back, {counted(forgotten, 'job run')} forgotten"


def _check(settings: Settings, engine: Engine) -> str:
    """What an operator would look at first. Raises MoodlineError for what is wrong."""
    sources = [one for one in live_lines(engine) if not one.paused]
    if not settings.redis_url:
        return "database ok"
    bus = Bus.connect(settings.redis_url)
    try:
        workers = Presence(bus, WorkerReport).living()
        reports = {one.id: one for one in Presence(bus, SourceReport).living()}
    finally:
        bus.close()
    dead = [one.name for one in sources if one.name not in reports]
    failed = [one for one in reports.values() if one.state == "failed"]
    troubles = [
        *(["no worker runs"] if not workers else []),
        *([f"nobody watches over {', '.join(dead)}"] if dead else []),
        *(f"{one.id} failed: {one.reason}" for one in failed),
    ]
    if troubles:
        raise MoodlineError("; ".join(troubles), hint="`moodline status` shows more")
    living = f"{counted(len(workers), 'worker')}, {counted(len(sources), 'live source')}"
    return f"database and broker ok, {living}"
