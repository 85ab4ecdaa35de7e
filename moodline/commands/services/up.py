"""`moodline up`."""

import os

from moodline.commands.options import (
    DASHBOARD_PORT,
    DashboardPortOption,
    ParallelOption,
    SignInOption,
    WorkersOption,
    command_app,
)
from moodline.commands.session import read_settings

app = command_app()


@app.command(epilog="Examples: [cyan]moodline up[/] · [cyan]moodline up --workers 2 --port 8080[/]")
def up(
    workers: WorkersOption = None,
    parallel: ParallelOption = 2,
    port: DashboardPortOption = DASHBOARD_PORT,
    sign_in: SignInOption = None,
) -> None:
    """Run all services on this machine: broker, ingest, workers, scheduler and dashboard."""
    from moodline.services.up import run_up

    settings = read_settings("up")
    run_up(
        settings,
        workers=workers or os.cpu_count() or 1,
        parallel=parallel,
        port=port,
        sign_in=sign_in,
    )
