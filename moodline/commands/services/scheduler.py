"""`moodline scheduler`."""

from moodline.commands.options import command_app
from moodline.commands.session import read_settings

app = command_app()


@app.command(epilog="Example: [cyan]moodline scheduler[/]")
def scheduler() -> None:
    """Service: rollups, retention, maintenance, watched folders. One is active at a time."""
    from moodline.services.scheduler import run_scheduler

    run_scheduler(read_settings("scheduler"))
