"""`moodline model evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodline.commands.model.options import (
    DataArgument,
    LabelsOption,
    ModelOption,
    SplitOption,
    VotesOption,
    model_folder,
    split_name,
)
from moodline.commands.options import JsonOption, command_app
from moodline.commands.session import read_settings

if TYPE_CHECKING:
    from training.evaluate import Evaluation

app = command_app()


@app.command(
    "evaluate",
    epilog="Example: [cyan]moodline model evaluate fer2013.zip --split val --labels ferplus[/]",
)
def evaluate_command(  # noqa: PLR0913, PLR0917  (one parameter per option)
    dataset: DataArgument,
    split: SplitOption = None,
    labels: LabelsOption = "fer2013",
    model: ModelOption = None,
    votes: VotesOption = None,
    report: Annotated[
        Path | None, typer.Option(help="HTML report file. Default: in MOODLINE_HOME/reports.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Score a model on labelled faces, and write an HTML report with charts."""
    from moodline.terminal.output import print_json, print_line
    from training.data.readers import read_dataset
    from training.evaluate import evaluate
    from training.report import report_page

    settings = read_settings()
    faces = read_dataset(dataset, votes)
    name = split_name(faces, split)
    evaluation = evaluate(model_folder(settings, model), faces.split(name), name, labels)
    path = report or (
        settings.home_path / "reports" / f"{evaluation.model}-{dataset.stem}-{name}-{labels}.html"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report_page(evaluation, dataset.name), encoding="utf-8")
    if as_json:
        print_json(evaluation.as_dict() | {"report": str(path)})
        return
    _print_scores(evaluation, f"{dataset.name}, {name}, {labels} labels")
    print_line(f"Report: {path}")


def _print_scores(evaluation: "Evaluation", data: str) -> None:
    from rich.markup import escape

    from moodline.terminal.output import Screen, new_table

    scores = evaluation.report
    console = Screen()
    console.print(
        f"[bold]{evaluation.model}[/] on {escape(data)}: {scores.n:,} faces, "
        f"accuracy {scores.accuracy:.1%}, macro F1 {scores.macro_f1:.3f}, ECE {scores.ece:.3f}, "
        f"{evaluation.latency_ms_per_face:.2f} ms per face",
        highlight=False,
    )
    numbers = ("recall", "precision", "F1", "faces")
    table = new_table("expression", *numbers, right=numbers)
    for label, one in scores.per_class.items():
        table.add_row(
            label,
            f"{one.recall:.1%}",
            f"{one.precision:.1%}",
            f"{one.f1:.3f}",
            f"{one.support:,}",
        )
    console.print(table)
