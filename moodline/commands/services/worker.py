"""`moodline worker`."""

from typing import Annotated, Literal

import typer

from moodline.commands.options import command_app
from moodline.commands.session import read_settings

app = command_app()

DeviceName = Literal["auto", "cpu", "gpu"]


@app.command(epilog="Examples: [cyan]moodline worker[/] · [cyan]moodline worker --device gpu[/]")
def worker(
    device: Annotated[
        DeviceName,
        typer.Option(help="Where faces are classified. auto: on a GPU if one can be used."),
    ] = "auto",
) -> None:
    """Service: analyse the frames of ingest. Needs a broker and a database."""
    from contracts.settings import Device
    from moodline.services.worker import run_worker

    run_worker(read_settings("worker"), Device(device))
