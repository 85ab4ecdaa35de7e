"""`moodline model calibrate`."""

from typing import Annotated

import typer

from moodline.commands.model.options import (
    DataOption,
    NewModelOption,
    SplitOption,
    VotesOption,
    model_folder,
    split_name,
)
from moodline.commands.options import command_app
from moodline.commands.session import read_settings

app = command_app()


@app.command(
    "calibrate",
    epilog="Example: [cyan]moodline model calibrate mobilenetv2-4 --data faces/ --split test "
    "--out models/ours[/]",
)
def calibrate_command(
    model: Annotated[str, typer.Argument(help="Model id or folder.")],
    data: DataOption,
    out: NewModelOption,
    split: SplitOption = None,
    votes: VotesOption = None,
) -> None:
    """Fit a model's confidence to labelled faces that it was not trained on."""
    from training.card import recalibrate
    from training.data.readers import read_dataset

    faces = read_dataset(data, votes)
    name = split_name(faces, split)
    card = recalibrate(model_folder(read_settings(), model), faces.split(name), name, out)
    for head, found in card.heads.items():
        extra = found.model_extra or {}
        typer.echo(
            f"{head}: ECE {extra['ece_before']:.3f} before, {extra['ece']:.3f} now; "
            f"uncertain below {card.threshold_of(head):.2f}"
        )
    typer.echo(f"Wrote {card.version}. Use it with MOODLINE_MODEL={out}")
