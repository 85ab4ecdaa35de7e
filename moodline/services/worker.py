"""`moodline worker`: analyses frames, on any host that reaches the broker and the database."""

from contracts.settings import Device, Settings
from moodline.adapters.system_status import read_verdict
from moodline.services.health import Health
from moodline.services.health_server import HealthServer
from moodline.services.servers import require_servers
from records.database import open_engine


def run_worker(settings: Settings, device: Device) -> None:
    """Analyse frames until SIGTERM or Ctrl-C; then commit, and release the runs."""
    from inference_worker.__main__ import serve

    require_servers(settings)
    health = Health.for_steps(settings.stall_s)
    engine = open_engine(settings.effective_database_url)  # It connects when a probe asks.
    health.watch_system(lambda: read_verdict(settings, engine))
    try:
        with HealthServer(health, settings.health, settings.health_token):
            serve(settings, device=device, registry=health.registry, on_turn=health.note_step)
    finally:
        engine.dispose()
