"""python -m training: train, export, evaluate and average-faces."""

import json
from pathlib import Path
from typing import Annotated

import typer

from contracts.errors import MoodlineError
from training.readers import read_dataset

app = typer.Typer(help="Make the model that the pipeline ships.", no_args_is_help=True)

DataOption = Annotated[
    Path, typer.Option("--data", help="Folder, zip or pixel CSV of labelled faces.")
]
VotesOption = Annotated[
    Path | None, typer.Option("--votes", help="FER+'s fer2013new.csv, for a pixel CSV.")
]


@app.command()
def train(  # noqa: PLR0913, PLR0917  (one parameter an option)
    config: Annotated[Path, typer.Option(help="Recipe, e.g. training/configs/first.toml.")],
    data: DataOption,
    run: Annotated[Path, typer.Option(help="Folder of the run; an unfinished one goes on.")],
    imagenet: Annotated[
        Path | None, typer.Option(help="MobileNetV2 weights without top; else downloaded.")
    ] = None,
    teacher: Annotated[
        Path | None, typer.Option(help="Folder of a finished run to learn from.")
    ] = None,
    votes: VotesOption = None,
) -> None:
    """Train a recipe, one line an epoch. Ctrl-C and the same command go on from the last epoch."""
    from training.config import read_config
    from training.loop import train as epochs

    recipe, faces = read_config(config), read_dataset(data, votes)
    for result in epochs(recipe, faces, run, imagenet, teacher):
        typer.echo(
            f"epoch {result.epoch}: loss {result.loss}, val {result.raw}, "
            f"averaged weights {result.ema}, {result.seconds:.0f} s"
        )


@app.command()
def export(
    run: Annotated[Path, typer.Option(help="Folder of a run.")],
    data: DataOption,
    out: Annotated[Path, typer.Option(help="Folder to make; its name is the model's id.")],
    votes: VotesOption = None,
) -> None:
    """Write the LiteRT artifact and its card, calibrated on the val split."""
    from training.export import export_run

    card = export_run(run, read_dataset(data, votes), out)
    typer.echo(f"{card.version} in {out}; record head {card.record_head}")


@app.command()
def evaluate(
    data: DataOption,
    model: Annotated[Path, typer.Option(help="Folder of a model artifact.")],
    split: Annotated[str, typer.Option(help="train, val or test.")] = "val",
    votes: VotesOption = None,
) -> None:
    """Print accuracy, macro F1, calibration and confusion of both heads as JSON."""
    from training.evaluate import evaluate as score

    result = score(model, read_dataset(data, votes).split(split), split)
    typer.echo(json.dumps(result.as_dict(), indent=1))


@app.command("average-faces")
def average_faces(
    data: DataOption,
    out: Annotated[Path, typer.Option(help="Folder for <person>-<emotion>.png.")],
    votes: VotesOption = None,
) -> None:
    """Make faces that belong to no one, seven expressions of three people."""
    from training.average_faces import Recipe, average_faces, write_faces

    faces = average_faces(read_dataset(data, votes), Recipe())
    write_faces(faces, out)
    for face in faces:
        typer.echo(f"{face.person}-{face.emotion}: {face.faces} faces averaged")


def main() -> None:
    """Run a command; a known error is one line, not a traceback."""
    try:
        app()
    except MoodlineError as error:
        typer.echo(f"error: {error.line()}", err=True)
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
