"""`moodline model export`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from moodline.commands.model.options import (
    DataOption,
    NewModelOption,
    VotesOption,
    needs_tensorflow,
)
from moodline.commands.options import command_app

app = command_app()


@app.command(
    "export",
    epilog="Example: [cyan]moodline model export --run runs/first --data fer2013.zip "
    "--out models/mine[/]",
)
def export_command(
    run: Annotated[Path, typer.Option(help="Folder of the training run, or of a float artifact.")],
    data: DataOption,
    out: NewModelOption,
    votes: VotesOption = None,
) -> None:
    """Export a trained model: LiteRT (float and int8), Keras, and a card calibrated on val."""
    from training.data.readers import read_dataset
    from training.export import export_run

    with needs_tensorflow():
        exported = export_run(run, read_dataset(data, votes), out)
    typer.echo(json.dumps(exported.as_dict(), indent=1))
