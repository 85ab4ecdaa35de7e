"""`moodline scheduler`: runs the jobs of `moodline.services.scheduled_jobs` at their times."""

import time
from functools import partial
from typing import Final

import structlog

from analytics.scheduling.scheduler import Scheduler
from contracts.settings import Settings
from moodline.adapters.system_status import read_verdict
from moodline.home_assistant.bridge import HomeAssistantBridge
from moodline.metrics.source_metrics import SourceMetrics, read_source_facts
from moodline.services.health import Health
from moodline.services.health_server import HealthServer
from moodline.services.heartbeat import Heartbeat
from moodline.services.scheduled_jobs import scheduled_jobs
from moodline.stack.running_stack import running_broker
from records.database import open_engine
from records.schema import upgrade
from runtime.process_identity import claimant_name
from runtime.processes.garbage import spare_loaded_objects

log = structlog.get_logger()

_STEP_S: Final = 1.0


def run_scheduler(settings: Settings) -> None:
    """Run jobs, or stand by, until SIGTERM or Ctrl-C; wait while the database is away."""
    engine = open_engine(settings.effective_database_url)
    upgrade(engine)
    health = Health.for_steps(settings.stall_s)
    health.watch_system(lambda: read_verdict(settings, engine))
    scheduler = Scheduler(
        engine,
        lambda: scheduled_jobs(settings, engine),
        holder=claimant_name(),
        lease_s=settings.lease_s,
    )
    facts = read_source_facts(settings, engine)
    health.registry.register(SourceMetrics(facts, lambda: scheduler.is_active))
    bridge = HomeAssistantBridge(settings, engine, lambda: scheduler.is_active)
    try:
        with (
            HealthServer(health, settings.health, settings.health_token),
            bridge,
            Heartbeat(
                "scheduler",
                engine,
                lambda: running_broker(settings),
                partial(_state, scheduler, bridge),
            ),
        ):
            log.info("scheduling")
            spare_loaded_objects()
            logged = ""
            while True:
                scheduler.step()
                if scheduler.trouble and scheduler.trouble != logged:
                    log.warning("cannot run jobs", reason=scheduler.trouble)
                logged = scheduler.trouble
                health.note_step(scheduler.trouble)
                time.sleep(_STEP_S)
    except KeyboardInterrupt:
        log.info("stopped")
    finally:
        scheduler.close()
        engine.dispose()


def _state(scheduler: Scheduler, bridge: HomeAssistantBridge) -> tuple[str, str]:
    if trouble := scheduler.trouble or bridge.trouble:
        return "trouble", trouble
    return ("running" if scheduler.is_active else "standby"), ""
