"""`moodline down`."""

from typing import Annotated

import typer

from moodline.commands.options import command_app
from moodline.commands.session import read_settings

app = command_app()


@app.command(epilog="Example: [cyan]moodline down[/]")
def down(
    timeout: Annotated[
        float, typer.Option("--timeout", min=1, help="Seconds to wait until it has ended.")
    ] = 60.0,
) -> None:
    """Stop `moodline up`: the frames that were read are committed first."""
    from moodline.stack.running_stack import stop_up
    from moodline.terminal.output import print_line

    settings = read_settings(logs=False)
    if stop_up(settings, timeout):
        print_line("moodline has stopped.")
    else:
        print_line(f"moodline is not running in {settings.home_path}.")
