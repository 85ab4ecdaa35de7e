"""`moodline model average-faces`."""

from pathlib import Path
from typing import Annotated

import typer

from moodline.commands.model.options import DataOption, VotesOption
from moodline.commands.options import command_app

app = command_app()


@app.command(
    "average-faces",
    epilog="Example: [cyan]moodline model average-faces --data fer2013.zip --out faces[/]",
)
def average_faces_command(
    data: DataOption,
    out: Annotated[Path, typer.Option(help="Folder for the PERSON-EXPRESSION.png files.")],
    votes: VotesOption = None,
) -> None:
    """Make average faces, which show no real person: seven expressions of three faces."""
    from training.data.average_faces import Recipe, average_faces, write_faces
    from training.data.readers import read_dataset

    faces = average_faces(read_dataset(data, votes), Recipe())
    write_faces(faces, out)
    for face in faces:
        typer.echo(f"{face.person}-{face.emotion}: {face.faces} faces averaged")
