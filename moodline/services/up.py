"""`moodline up`: all services on one machine."""

from typing import Final

from contracts.settings import Settings
from moodline.services.pipeline import serve_pipeline
from moodline.stack.running_stack import RunningStack
from records.database import open_engine
from records.schema import upgrade
from records.users.accounts import check_setting_password

_SIGN_IN: Final = {None: (), True: ("--sign-in",), False: ("--no-sign-in",)}


def run_up(
    settings: Settings, *, workers: int, parallel: int, port: int, sign_in: bool | None = None
) -> None:
    """Run all services until SIGTERM or Ctrl-C, with an embedded broker if none is set.

    parallel: recordings that are published at a time. port: the dashboard's, on loopback; 0: no
    dashboard. sign_in: see `dashboard.server.serve`. Raises SettingsError if another `moodline up`
    runs in this home, or if MOODLINE_DASHBOARD_PASSWORD is easy to guess.
    """
    if port and sign_in is not False:
        check_setting_password(settings.dashboard_password)
    with RunningStack(settings.home_path) as running:
        engine = open_engine(settings.effective_database_url)
        upgrade(engine)
        engine.dispose()
        commands = {"scheduler": ["scheduler"]}
        if port:
            commands["dashboard"] = ["dashboard", "--port", str(port), *_SIGN_IN[sign_in]]
        serve_pipeline(
            settings, workers=workers, parallel=parallel, running=running, side_services=commands
        )
