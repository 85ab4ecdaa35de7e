"""`moodline version`."""

import typer

from moodline.commands.options import command_app

app = command_app()


@app.command(epilog="Example: [cyan]moodline version[/]")
def version() -> None:
    """Print the version."""
    from moodline.commands.installed_version import installed_version

    typer.echo(installed_version())
