"""`moodline version`."""

import typer

from moodline.commands.options import command_app

app = command_app()


@app.command(epilog="Example: [cyan]moodline version[/]")
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed_version

    typer.echo(installed_version("moodline"))
