"""`moodline version`."""

import typer

from moodline import __version__
from moodline.commands.options import command_app

app = command_app()


@app.command(epilog="Example: [cyan]moodline version[/]")
def version() -> None:
    """Print the version."""
    typer.echo(__version__)
