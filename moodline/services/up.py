"""`moodline up`: all services on one machine."""

from dataclasses import dataclass
from typing import Final

from contracts.settings import Settings
from moodline.services.pipeline import serve_pipeline
from moodline.stack.running_stack import RunningStack
from records.database import open_engine
from records.schema import upgrade
from records.users.accounts import check_sign_in

_SIGN_IN: Final = {None: (), True: ("--sign-in",), False: ("--no-sign-in",)}


@dataclass(frozen=True, slots=True)
class DashboardOptions:
    """The options of `moodline dashboard`. port: 0 for no dashboard. tls_cert, tls_key: files."""

    host: str
    port: int
    sign_in: bool | None = None
    tls_cert: str = ""
    tls_key: str = ""

    def arguments(self) -> list[str]:
        """Return them as arguments of `moodline`."""
        tls = (("--tls-cert", self.tls_cert), ("--tls-key", self.tls_key))
        return [
            *("dashboard", "--host", self.host, "--port", str(self.port)),
            *_SIGN_IN[self.sign_in],
            *(part for option, file in tls if file for part in (option, file)),
        ]


def run_up(settings: Settings, *, workers: int, parallel: int, dashboard: DashboardOptions) -> None:
    """Run all services until SIGTERM or Ctrl-C, with an embedded broker if none is set.

    parallel: recordings that are published at a time. Raises SettingsError if another `moodline up`
    runs in this home, or if nobody could sign in to the dashboard.
    """
    with RunningStack(settings.home_path) as running:
        engine = open_engine(settings.effective_database_url)
        upgrade(engine)
        try:
            if dashboard.port:
                check_sign_in(
                    engine, settings.dashboard_password, dashboard.host, dashboard.sign_in
                )
        finally:
            engine.dispose()
        commands = {"scheduler": ["scheduler"]}
        if dashboard.port:
            commands["dashboard"] = dashboard.arguments()
        serve_pipeline(
            settings, workers=workers, parallel=parallel, running=running, side_services=commands
        )
