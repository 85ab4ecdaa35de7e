"""`moodline up`: all services on one machine."""

import structlog

from contracts.settings import Settings
from moodline.services.pipeline import serve_pipeline
from moodline.stack.running_stack import RunningStack
from records.database import open_engine
from records.schema import upgrade

log = structlog.get_logger()


def run_up(settings: Settings, *, workers: int, parallel: int, port: int) -> None:
    """Run all services until SIGTERM or Ctrl-C, with an embedded broker if none is set.

    parallel: recordings that are published at a time. port: the dashboard's, on loopback; 0: no
    dashboard. Raises SettingsError if another `moodline up` runs in this home.
    """
    with RunningStack(settings.home_path) as running:
        engine = open_engine(settings.effective_database_url)
        upgrade(engine)
        engine.dispose()
        commands = {"scheduler": ["scheduler"]}
        if port:
            commands["dashboard"] = ["dashboard", "--port", str(port)]
            log.info("dashboard", url=f"http://127.0.0.1:{port}/")
        serve_pipeline(
            settings, workers=workers, parallel=parallel, running=running, side_services=commands
        )
