"""`moodline model evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from contracts.errors import DatasetError
from moodline.commands.model.options import (
    ModelOption,
    SplitOption,
    VotesOption,
    model_folder,
    split_name,
)
from moodline.commands.options import JsonOption, command_app
from moodline.commands.session import read_settings

if TYPE_CHECKING:
    from contracts.settings import Settings
    from training.scoring.protocols import ProtocolScore

app = command_app()

_DEGRADED = 1000


@app.command(
    "evaluate",
    epilog="Example: [cyan]moodline model evaluate fer2013.zip --split val --labels ferplus[/]",
)
def evaluate_command(  # noqa: PLR0913, PLR0917  (one parameter per option)
    dataset: Annotated[
        Path,
        typer.Argument(
            help="Labelled faces: a folder or zip (split/expression/image), a pixel CSV, or a CSV "
            "of your own photographs (image,expression,...)."
        ),
    ],
    split: SplitOption = None,
    labels: Annotated[
        Literal["fer2013", "ferplus"] | None,
        typer.Option(
            help="Head and labels to show in detail. fer2013: the original label. ferplus: the "
            "majority of the FER+ votes. Default: fer2013; for photographs the recorded head."
        ),
    ] = None,
    model: ModelOption = None,
    votes: VotesOption = None,
    also: Annotated[
        list[Path] | None,
        typer.Option("--also", help="Another set to score, too. Can be repeated."),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(
            help="Column of a CSV of photographs, such as age: results by its values, with "
            "intervals. Can be repeated."
        ),
    ] = None,
    crops: Annotated[
        bool, typer.Option("--crops", help="The photographs are crops of one face each.")
    ] = False,
    degraded: Annotated[
        int,
        typer.Option(
            min=0, help="Faces to score again smaller, turned, darker and blurred; 0: none."
        ),
    ] = _DEGRADED,
    report: Annotated[
        Path | None, typer.Option(help="HTML report file. Default: in MOODLINE_HOME/reports.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Score a model on labelled faces, and write an HTML report with charts."""
    from moodline.evaluation.photographs import is_photograph_list

    settings = read_settings()
    if is_photograph_list(dataset):
        if report is not None or also:
            raise DatasetError("--report and --also are for data sets, not for photographs")
        _evaluate_photographs(settings, dataset, model, labels, group or [], crops, as_json)
        return
    if group or crops:
        raise DatasetError(
            "--group and --crops need a CSV of photographs",
            hint="Write the columns image, expression, and those to group by",
        )
    from moodline.commands.model.evaluate_tables import print_evaluation
    from moodline.terminal.output import print_json, print_line
    from training.data.readers import read_dataset
    from training.evaluate import evaluate
    from training.report import report_page

    folder, shown = model_folder(settings, model), labels or "fer2013"
    faces = read_dataset(dataset, votes)
    name = split_name(faces, split)
    evaluation = evaluate(folder, faces.split(name), name, shown, degraded=degraded)
    others = {str(one): _other_set(folder, one, split) for one in also or ()}
    path = report or (
        settings.home_path / "reports" / f"{evaluation.model}-{dataset.stem}-{name}-{shown}.html"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report_page(evaluation, dataset.name), encoding="utf-8")
    if as_json:
        sets = {one: [score.as_dict() for score in scores] for one, scores in others.items()}
        print_json(evaluation.as_dict() | {"other_sets": sets, "report": str(path)})
        return
    print_evaluation(evaluation, f"{dataset.name}, {name}", others)
    print_line(f"Report: {path}")


def _other_set(folder: Path, path: Path, split: str | None) -> "tuple[ProtocolScore, ...]":
    from training.data.readers import read_dataset
    from training.evaluate import score_set

    faces = read_dataset(path, all_classes=False)
    wanted = split if split in faces.splits else None
    return score_set(folder, faces.split(split_name(faces, wanted)))


def _evaluate_photographs(  # noqa: PLR0913, PLR0917  (the command's options)
    settings: "Settings",
    path: Path,
    model: str | None,
    head: str | None,
    columns: list[str],
    crops: bool,
    as_json: bool,
) -> None:
    from moodline.commands.model.evaluate_tables import print_photographs
    from moodline.evaluation.photograph_scores import score_photographs
    from moodline.terminal.output import print_json

    chosen = settings.model_copy(
        update={
            "model": str(model_folder(settings, model)),
            "model_head": head or settings.model_head,
        }
    )
    scores = score_photographs(chosen, path, columns, crops=crops)
    if as_json:
        print_json(scores)
    else:
        print_photographs(scores, path.name)
