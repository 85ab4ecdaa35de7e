"""`moodline model`: make, score and compare the models that read faces."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from contracts.errors import ModelError
from contracts.model_card import CARD_NAME, ModelCard
from contracts.settings import Settings

if TYPE_CHECKING:
    from training.data.dataset import Dataset

app = typer.Typer(no_args_is_help=True, help="Make, score and compare models.")

DataArgument = Annotated[
    Path, typer.Argument(help="Folder or zip (split/emotion/image), or a pixel CSV.")
]
DataOption = Annotated[
    Path, typer.Option("--data", help="Folder or zip (split/emotion/image), or a pixel CSV.")
]
VotesOption = Annotated[
    Path | None, typer.Option("--votes", help="FER+'s fer2013new.csv, for a pixel CSV.")
]
LabelsOption = Annotated[
    Literal["fer2013", "ferplus"],
    typer.Option(help="Score against the challenge's label, or the majority of the seven votes."),
]
SplitOption = Annotated[
    str | None,
    typer.Option(help="train, val or test; by default the only one, else test, else val."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command(
    "train",
    epilog="Example: [cyan]moodline model train --config training/configs/first.toml "
    "--data fer2013.zip[/]",
)
def train_command(  # noqa: PLR0913, PLR0917  (one parameter an option)
    config: Annotated[Path, typer.Option(help="Recipe, e.g. training/configs/first.toml.")],
    data: DataOption,
    run: Annotated[
        Path | None, typer.Option(help="Folder of the run; runs/NAME by default.")
    ] = None,
    imagenet: Annotated[
        Path | None, typer.Option(help="MobileNetV2 weights without top; else downloaded.")
    ] = None,
    teacher: Annotated[
        list[Path] | None,
        typer.Option(
            help="Finished run, artifact or file of answers to learn from; several give their mean."
        ),
    ] = None,
    votes: VotesOption = None,
) -> None:
    """Train a recipe. Stopped or killed, the same command goes on from the last whole epoch."""
    from training.config import read_config
    from training.data.readers import read_dataset
    from training.loop import train

    recipe, faces = read_config(config), read_dataset(data, votes)
    folder = run or Path("runs") / recipe.name
    with (
        _tensorflow(),
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
        ) as progress,
    ):
        task = progress.add_task("epoch 1", total=None)

        def on_step(epoch: int, step: int, steps: int) -> None:
            progress.update(task, description=f"epoch {epoch}", completed=step, total=steps)

        for result in train(recipe, faces, folder, imagenet, teacher or (), on_step):
            progress.console.print(
                f"epoch {result.epoch}: loss {result.loss:.3f}; val, averaged weights: "
                + ", ".join(f"{head} {share:.1%}" for head, share in result.ema.items())
                + f"; {result.seconds:.0f} s",
                highlight=False,
            )
    typer.echo(str(folder))


@app.command(
    "export",
    epilog="Example: [cyan]moodline model export --run runs/first --data fer2013.zip "
    "--out models/mine[/]",
)
def export_command(
    run: Annotated[Path, typer.Option(help="Folder of a run.")],
    data: DataOption,
    out: Annotated[Path, typer.Option(help="Folder to make; its name is the model's id.")],
    votes: VotesOption = None,
) -> None:
    """Write the artifacts (float and int8 LiteRT, Keras) and a card, calibrated on val."""
    from training.data.readers import read_dataset
    from training.export import export_run

    with _tensorflow():
        exported = export_run(run, read_dataset(data, votes), out)
    typer.echo(json.dumps(exported.as_dict(), indent=1))


@app.command(
    "calibrate",
    epilog="Example: [cyan]moodline model calibrate mobilenetv2-3 --data faces/ --split test "
    "--out models/ours[/]",
)
def calibrate_command(
    model: Annotated[str, typer.Argument(help="Id or folder of a model.")],
    data: DataOption,
    out: Annotated[Path, typer.Option(help="Folder to make; its name is the model's id.")],
    split: SplitOption = None,
    votes: VotesOption = None,
) -> None:
    """Fit a model's confidence to labelled faces it did not learn from; its weights stay."""
    from training.card import recalibrate
    from training.data.readers import read_dataset

    faces = read_dataset(data, votes)
    name = _split_name(faces, split)
    card = recalibrate(model_folder(Settings.read(), model), faces.split(name), name, out)
    for head, found in card.heads.items():
        extra = found.model_extra or {}
        typer.echo(
            f"{head}: ECE {extra['ece_before']:.3f} as it was trained, {extra['ece']:.3f} now; "
            f"uncertain below {card.threshold_of(head):.2f}"
        )
    typer.echo(f"{card.version}: MOODLINE_MODEL={out}")


@app.command(
    "evaluate",
    epilog="Example: [cyan]moodline model evaluate fer2013.zip --split val --labels ferplus[/]",
)
def evaluate_command(  # noqa: PLR0913, PLR0917  (one parameter an option)
    dataset: DataArgument,
    split: SplitOption = None,
    labels: LabelsOption = "fer2013",
    model: Annotated[
        str | None, typer.Option(help="Id from `moodline model list`, or a folder.")
    ] = None,
    votes: VotesOption = None,
    report: Annotated[
        Path | None, typer.Option(help="Where the HTML report goes; by default into the home.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Score a model on labelled faces, and write a report with its charts."""
    from training.data.readers import read_dataset
    from training.evaluate import evaluate
    from training.report import report_page

    settings = Settings.read()
    faces = read_dataset(dataset, votes)
    name = _split_name(faces, split)
    evaluation = evaluate(model_folder(settings, model), faces.split(name), name, labels)
    path = report or (
        settings.home_path / "reports" / f"{evaluation.model}-{dataset.stem}-{name}-{labels}.html"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report_page(evaluation, dataset.name), encoding="utf-8")
    if as_json:
        print_json(evaluation.as_dict() | {"report": str(path)})
        return
    console, found = Console(), evaluation.report
    console.print(
        f"[bold]{evaluation.model}[/] on {escape(dataset.name)}, {name}, {labels} labels: "
        f"{found.n:,} faces, accuracy {found.accuracy:.1%}, macro F1 {found.macro_f1:.3f}, "
        f"ECE {found.ece:.3f}, {evaluation.latency_ms_per_face:.2f} ms a face",
        highlight=False,
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("expression")
    for column in ("recall", "precision", "F1", "faces"):
        table.add_column(column, justify="right")
    for emotion, one in found.per_class.items():
        table.add_row(
            emotion,
            f"{one.recall:.1%}",
            f"{one.precision:.1%}",
            f"{one.f1:.3f}",
            f"{one.support:,}",
        )
    console.print(table)
    console.print(f"Report: {path}", highlight=False, markup=False, soft_wrap=True)


@app.command(
    "compare",
    epilog="Example: [cyan]moodline model compare mobilenetv2-3 models/mine --data fer2013.zip[/]",
)
def compare_command(  # noqa: PLR0913, PLR0917  (one parameter an option)
    a: Annotated[str, typer.Argument(help="Id or folder of a model.")],
    b: Annotated[str, typer.Argument(help="Id or folder of another.")],
    data: DataOption,
    split: SplitOption = None,
    labels: LabelsOption = "fer2013",
    votes: VotesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two models on the same faces: the difference, and whether chance explains it."""
    from training.compare import compare
    from training.data.readers import read_dataset
    from training.evaluate import read_split

    settings, faces = Settings.read(), read_dataset(data, votes)
    chosen = faces.split(_split_name(faces, split))
    one, other = (read_split(model_folder(settings, m), chosen, labels) for m in (a, b))
    result = compare(one, other)
    if as_json:
        print_json(asdict(result))
        return
    likely = "chance explains it poorly" if result.p_value < 0.05 else "chance explains it well"
    Console().print(
        f"{result.n:,} faces, {labels} labels\n"
        f"  {result.a}: {result.accuracy_a:.1%}; alone right on {result.only_a:,}\n"
        f"  {result.b}: {result.accuracy_b:.1%}; alone right on {result.only_b:,}\n"
        f"  difference {100 * (result.accuracy_b - result.accuracy_a):+.2f} points, "
        f"95 % between {100 * result.low:+.2f} and {100 * result.high:+.2f}; "
        f"p = {result.p_value:.4f} (exact McNemar): {likely}",
        highlight=False,
        markup=False,
    )


@app.command("list", epilog="Example: [cyan]moodline model list[/]")
def list_command(as_json: JsonOption = False) -> None:
    """List the models that come with this installation, and the one in use."""
    settings = Settings.read()
    used = model_folder(settings, None)
    folders = sorted({used, *_shipped()})
    cards = [(folder, ModelCard.read(folder)) for folder in folders]
    if as_json:
        print_json({"models": [_listed(card, folder, used) for folder, card in cards]})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "model", "created", "records", "val accuracy", "uncertain below"):
        table.add_column(column, no_wrap=column == "model")
    for folder, card in cards:
        accuracies = ", ".join(
            f"{name} {(head.model_extra or {}).get('val_accuracy', 0):.1%}"
            for name, head in card.heads.items()
        )
        table.add_row(
            "*" if folder == used else "",
            card.version,
            card.created,
            card.record_head,
            accuracies,
            f"{card.uncertain_below:.2f}",
        )
    Console().print(table)


@app.command("leakage", epilog="Example: [cyan]moodline model leakage fer2013.zip[/]")
def leakage_command(
    dataset: DataArgument,
    model: Annotated[
        str | None, typer.Option(help="Id from `moodline model list`, or a folder.")
    ] = None,
    votes: VotesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count near-duplicates of training faces in the other splits, and what they are worth."""
    from training.data.leakage import near_duplicates
    from training.data.readers import read_dataset

    settings, faces = Settings.read(), read_dataset(dataset, votes)
    train = faces.split("train")
    folder = model_folder(settings, model)
    results: dict[str, Any] = {}
    for name in sorted(set(faces.splits) - {"train"}):
        duplicates = near_duplicates(faces.split(name), train)
        results[name] = {
            "faces": len(faces.split(name)),
            "near_duplicates": len(duplicates),
            "of_another_label": sum(not one.same_label for one in duplicates),
            "accuracy": _with_and_without(
                folder, faces, name, frozenset(one.name for one in duplicates)
            ),
        }
    if as_json:
        print_json(results)
        return
    for name, result in results.items():
        Console().print(
            f"{name}: {result['near_duplicates']:,} of {result['faces']:,} faces are nearly the "
            f"same picture as one in train, {result['of_another_label']:,} of them with another "
            "label",
            highlight=False,
        )
        for labels, (whole, rest) in result["accuracy"].items():
            Console().print(
                f"  {labels}: accuracy {whole:.2%}, without them {rest:.2%}", highlight=False
            )


@app.command(
    "average-faces",
    epilog="Example: [cyan]moodline model average-faces --data fer2013.zip --out faces[/]",
)
def average_faces_command(
    data: DataOption,
    out: Annotated[Path, typer.Option(help="Folder for PERSON-EMOTION.png.")],
    votes: VotesOption = None,
) -> None:
    """Make faces that belong to no one, seven expressions of three people."""
    from training.data.average_faces import Recipe, average_faces, write_faces
    from training.data.readers import read_dataset

    faces = average_faces(read_dataset(data, votes), Recipe())
    write_faces(faces, out)
    for face in faces:
        typer.echo(f"{face.person}-{face.emotion}: {face.faces} faces averaged")


def model_folder(settings: Settings, name: str | None) -> Path:
    """The folder of a model by id or path; None: the one in use. Raises ModelError."""
    from inference_worker.faces.model_choice import chosen_model

    if name is None:
        return chosen_model(settings.model)
    known = {folder.name: folder for folder in _shipped()}
    if name in known:
        return known[name]
    if (Path(name) / CARD_NAME).exists():
        return Path(name)
    raise ModelError(f"no model {name!r}", hint="`moodline model list` shows those that are here")


def print_json(value: object) -> None:
    """One JSON document to standard output."""
    print(json.dumps(value, indent=1))  # noqa: T201


def _shipped() -> list[Path]:
    from inference_worker.faces.model_choice import shipped_model

    return [path.parent for path in shipped_model().parent.glob(f"*/{CARD_NAME}")]


def _listed(card: ModelCard, folder: Path, used: Path) -> dict[str, Any]:
    heads = {name: head.model_extra or {} for name, head in card.heads.items()}
    return {
        "id": card.id,
        "version": card.version,
        "created": card.created,
        "record_head": card.record_head,
        "uncertain_below": card.uncertain_below,
        "val_accuracy": {name: extra.get("val_accuracy") for name, extra in heads.items()},
        "folder": str(folder),
        "in_use": folder == used,
    }


def _split_name(faces: "Dataset", wanted: str | None) -> str:
    if wanted is not None:
        return wanted
    if len(faces.splits) == 1:
        return next(iter(faces.splits))
    return "test" if "test" in faces.splits else "val"


def _with_and_without(
    folder: Path, faces: "Dataset", name: str, left_out: frozenset[str]
) -> dict[str, tuple[float, float]]:
    """By head: accuracy on the whole split, and on what is left of it."""
    from training.evaluate import read_split

    found = {}
    for labels in ("fer2013", "ferplus"):
        if labels == "ferplus" and not faces.split(name).voted.any():
            continue
        readings = read_split(folder, faces.split(name), labels)
        rest = [
            right
            for n, right in zip(readings.names, readings.right, strict=True)
            if n not in left_out
        ]
        found[labels] = (
            round(float(readings.right.mean()), 4),
            round(sum(map(float, rest)) / max(len(rest), 1), 4),
        )
    return found


@contextmanager
def _tensorflow() -> Iterator[None]:
    """Training is the only thing that needs it; say so where it is missing."""
    try:
        yield
    except ModuleNotFoundError as exc:
        if (exc.name or "").split(".")[0] not in ("keras", "tensorflow"):
            raise
        raise ModelError(
            f"training needs {exc.name}, which is not installed",
            hint="Install moodline[train], or `make train`",
        ) from exc
