"""`moodline model train`."""

from pathlib import Path
from typing import Annotated

import typer

from moodline.commands.model.options import DataOption, VotesOption, needs_tensorflow
from moodline.commands.options import command_app

app = command_app()


@app.command(
    "train",
    epilog="Example: [cyan]moodline model train --config training/configs/first.toml "
    "--data fer2013.zip[/]",
)
def train_command(  # noqa: PLR0913, PLR0917  (one parameter per option)
    config: Annotated[Path, typer.Option(help="Recipe file, such as training/configs/first.toml.")],
    data: DataOption,
    run: Annotated[
        Path | None, typer.Option(help="Folder of the training run. Default: runs/NAME.")
    ] = None,
    imagenet: Annotated[
        Path | None,
        typer.Option(help="MobileNetV2 weights without top layers. Default: downloaded by Keras."),
    ] = None,
    teacher: Annotated[
        list[Path] | None,
        typer.Option(
            help="Teacher: a finished training run, a model, or a file of answers. "
            "Several give the mean of their answers."
        ),
    ] = None,
    votes: VotesOption = None,
) -> None:
    """Train a model. If it is stopped, the same command continues after the last full epoch."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from moodline.terminal.output import Screen
    from training.config import read_config
    from training.data.readers import read_dataset
    from training.loop import train
    from training.teachers.prepare import prepare

    recipe, faces = read_config(config), read_dataset(data, votes)
    folder = run or Path("runs") / recipe.name
    with (
        needs_tensorflow(),
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            console=Screen(stderr=True),
        ) as progress,
    ):
        task = progress.add_task("epoch 1", total=None)

        def on_step(epoch: int, step: int, steps: int) -> None:
            progress.update(task, description=f"epoch {epoch}", completed=step, total=steps)

        material = prepare(recipe, faces, imagenet, teacher or ())
        for result in train(recipe, material, folder, on_step):
            accuracies = ", ".join(f"{head} {share:.1%}" for head, share in result.ema.items())
            progress.console.print(
                f"epoch {result.epoch}: loss {result.loss:.3f}; val accuracy of the averaged "
                f"weights: {accuracies}; {result.seconds:.0f} s",
                highlight=False,
            )
    typer.echo(str(folder))
