"""`moodline demo`."""

from pathlib import Path
from typing import Annotated

import typer

from moodline.commands.options import DASHBOARD_PORT, DashboardPortOption, command_app
from moodline.commands.session import read_settings

app = command_app()


@app.command(epilog="Examples: [cyan]moodline demo[/] · [cyan]moodline demo --camera 0[/]")
def demo(
    keep: Annotated[
        Path | None, typer.Option(help="Folder in which the rendered clips are kept.")
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option(help="Watch a webcam instead: its number, or a device such as /dev/video0."),
    ] = None,
    port: DashboardPortOption = DASHBOARD_PORT,
) -> None:
    """Analyse generated clips, compare the results with their script, and open the dashboard."""
    from moodline.terminal.output import Screen

    settings = read_settings()
    if camera is not None:
        from moodline.watch.summary import WatchOptions
        from moodline.watch.unregistered import watch

        raise typer.Exit(0 if watch(settings, camera, WatchOptions(), Screen()) else 1)
    from moodline.demo.demo import run_demo

    raise typer.Exit(0 if run_demo(settings, keep, port) else 1)
