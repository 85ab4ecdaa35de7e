"""`moodline up`."""

import os

from moodline.commands.options import (
    DASHBOARD_PORT,
    DashboardHostOption,
    DashboardPortOption,
    ParallelOption,
    SignInOption,
    TlsCertOption,
    TlsKeyOption,
    WorkersOption,
    command_app,
)
from moodline.commands.session import read_settings

app = command_app()


@app.command(epilog="Examples: [cyan]moodline up[/] · [cyan]moodline up --host 0.0.0.0[/]")
def up(  # noqa: PLR0913, PLR0917  (one parameter per option)
    workers: WorkersOption = None,
    parallel: ParallelOption = 2,
    port: DashboardPortOption = DASHBOARD_PORT,
    sign_in: SignInOption = None,
    host: DashboardHostOption = "127.0.0.1",
    tls_cert: TlsCertOption = "",
    tls_key: TlsKeyOption = "",
) -> None:
    """Run all services on this machine: broker, ingest, workers, scheduler and dashboard."""
    from moodline.services.up import DashboardOptions, run_up

    settings = read_settings("up")
    run_up(
        settings,
        workers=workers or os.cpu_count() or 1,
        parallel=parallel,
        dashboard=DashboardOptions(host, port, sign_in, tls_cert, tls_key),
    )
