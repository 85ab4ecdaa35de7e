"""Reading: the facts of the database, in one snapshot, and of the disks."""

import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from analytics.health.facts import DeadLetters, Disk, JobFact, SilentTarget, Stored
from analytics.health.gone_services import REMEMBERED
from analytics.now.live_status import live_status
from analytics.now.overview import open_runs
from analytics.scheduling.job_plans import JobPlan, built_in_plans, folder_job_name
from broker.heartbeats import Heartbeats
from contracts.live_sources import LiveState
from contracts.settings import Settings
from records.alerts.silent_targets import silent_targets
from records.seen_services import seen_processes
from records.tables.operations import JobRun, Schedule
from records.tables.rollups import DirtyWindow
from records.tables.runs import DeadLetter, Run
from records.tables.sources import Source, SourceInterval

_DAY: Final = timedelta(days=1)
_CLOCK: Final = "clock"
"""Jumps of the clock are kept among the job runs by this name: see `clock_watch`."""


def read_stored(
    connection: Connection, heartbeats: Heartbeats | None, zone: ZoneInfo, now: datetime
) -> Stored:
    """Return the facts of the database. heartbeats: None if they cannot be read. zone: of cron."""
    folders = connection.execute(select(Schedule.name, Schedule.every_s, Schedule.cron)).all()
    plans = [
        *built_in_plans(zone),
        *(JobPlan(folder_job_name(one.name), one.every_s, one.cron, zone) for one in folders),
    ]
    return Stored(
        live=live_status(connection, heartbeats),
        live_until=_live_until(connection, now),
        runs=open_runs(connection),
        seen=seen_processes(connection, now - REMEMBERED),
        minutes_wait=connection.execute(select(DirtyWindow.start).limit(1)).first() is not None,
        folders=len(folders),
        dead_letters=_dead_letters(connection, now),
        jobs=[_job(connection, plan, now) for plan in plans],
        removal_waits_until=_removal_waits_until(connection, now),
        silent_targets=[SilentTarget(*one) for one in silent_targets(connection)],
    )


def read_disks(settings: Settings) -> Sequence[Disk]:
    """Return the disks of this host that moodline writes to; folders need not exist yet."""
    return tuple(_disks(settings))


def _disks(settings: Settings) -> Iterator[Disk]:
    folders = {settings.home_path: not settings.database_url, settings.uploads_path: False}
    for folder, holds_records in folders.items():
        try:
            free = shutil.disk_usage(existing_folder(folder)).free
        except OSError:  # It cannot be used at all, which other checks say.
            continue
        yield Disk(str(folder), free, settings.min_free_bytes, holds_records)
        if settings.uploads_path.is_relative_to(settings.home_path):
            return  # One disk, said once.


def existing_folder(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next((one for one in (folder, *folder.absolute().parents) if one.exists()), folder)


def _live_until(connection: Connection, now: datetime) -> dict[str, datetime]:
    """Return when each live source was last streaming, within the last day."""
    query = (
        select(Source.name, func.max(SourceInterval.until).label("until"))
        .join(Source, Source.id == SourceInterval.source_pk)
        .where(SourceInterval.state == LiveState.STREAMING, SourceInterval.until > now - _DAY)
        .where(Source.removed_at.is_(None))
        .group_by(Source.name)
    )
    return {row.name: row.until for row in connection.execute(query)}


def _dead_letters(connection: Connection, now: datetime) -> DeadLetters:
    query = (
        select(Source.name, func.count().label("count"), func.max(DeadLetter.at).label("newest_at"))
        .join(Run, Run.id == DeadLetter.run_pk)
        .join(Source, Source.id == Run.source_pk)
        .where(DeadLetter.at > now - _DAY)
        .group_by(Source.name)
    )
    rows = connection.execute(query).all()
    newest_at = max((row.newest_at for row in rows), default=None)
    return DeadLetters({row.name: row[1] for row in rows}, newest_at)


def _job(connection: Connection, plan: JobPlan, now: datetime) -> JobFact:
    """Return the job's latest run, and the end of the latest one that succeeded."""
    of_job = select(*JobRun.__table__.c).where(JobRun.job == plan.name, JobRun.scheduled_at <= now)
    newest_first = of_job.order_by(JobRun.scheduled_at.desc()).limit(1)
    last = connection.execute(newest_first).first()
    if last is None:
        return JobFact(plan.name, None, None, "", None)
    ended = last if last.finished_at is not None else None
    if ended is None or ended.error:
        ended = connection.execute(
            newest_first.where(JobRun.finished_at.is_not(None), JobRun.error == "")
        ).first()
    return JobFact(
        plan.name,
        plan.overdue_since(last.scheduled_at, now),
        last.finished_at,
        last.error,
        ended.finished_at if ended is not None else None,
    )


def _removal_waits_until(connection: Connection, now: datetime) -> datetime | None:
    """Return when data may be removed by its age after a jump of the clock; None if it may now."""
    until = connection.execute(
        select(func.max(JobRun.finished_at)).where(JobRun.job == _CLOCK, JobRun.scheduled_at <= now)
    ).scalar()
    return until if until is not None and until > now else None
