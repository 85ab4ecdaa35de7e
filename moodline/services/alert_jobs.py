"""The scheduler's jobs for alerts: evaluate the rules, and deliver the events."""

from datetime import timedelta
from functools import partial
from typing import Final

from sqlalchemy import Engine

from analytics.alerts.round import run_round
from analytics.alerts.system_facts import system_measures
from analytics.runs.number_text import count_text
from analytics.scheduling.job_plans import ALERTS, ALERTS_EVERY_S, DELIVERIES
from analytics.scheduling.scheduler import Job
from analytics.scheduling.times import every
from analytics.snapshots import in_snapshot
from contracts.settings import Settings
from contracts.times import utc_now
from moodline.adapters.system_status import read_facts
from records.alerts.events import remove_old_events
from records.alerts.outbox import remove_old_deliveries
from records.alerts.rules import alerts_in_use
from records.database import transaction
from records.sources.sealing import Sealer
from runtime.process_identity import claimant_name

_DELIVERIES_KEPT: Final = timedelta(days=30)


def alert_jobs(settings: Settings, engine: Engine) -> list[Job]:
    """Return the jobs that the present rules and targets need: without any, none."""
    rules, targets = in_snapshot(engine, alerts_in_use)
    times = every(ALERTS_EVERY_S)
    jobs = []
    if rules:
        jobs.append(Job(ALERTS, times, partial(_evaluate, settings, engine), quiet=True))
    if targets:
        run = partial(_deliver, settings, engine)
        # A target that does not answer must not delay other jobs.
        jobs.append(Job(DELIVERIES, times, run, quiet=True, waits=True))
    return jobs


def remove_old_alerts(settings: Settings, engine: Engine) -> None:
    """Remove deliveries that ended a month ago, and events by MOODLINE_KEEP_ALERTS_DAYS."""
    now, days = utc_now(), settings.keep_alerts_days
    with transaction(engine) as connection:
        remove_old_deliveries(connection, now - _DELIVERIES_KEPT)
        if days:
            remove_old_events(connection, now - timedelta(days=days))


def _evaluate(settings: Settings, engine: Engine) -> str:
    events = run_round(engine, lambda: system_measures(read_facts(settings, engine)), utc_now())
    return count_text(events, "event")


def _deliver(settings: Settings, engine: Engine) -> str:
    from moodline.delivery.deliverer import Deliverer
    from moodline.delivery.senders import sender

    sealer = Sealer(settings.secret_key, settings.home_path)
    done = Deliverer(engine, sealer, sender(settings), claimant_name()).run()
    return f"{count_text(done.sent, 'message')} delivered, {done.failed} failed"
