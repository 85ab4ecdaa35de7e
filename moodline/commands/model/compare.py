"""`moodline model compare`."""

from typing import Annotated

import typer

from moodline.commands.model.options import (
    DataOption,
    LabelsOption,
    SplitOption,
    VotesOption,
    model_folder,
    split_name,
)
from moodline.commands.options import JsonOption, command_app
from moodline.commands.session import read_settings

app = command_app()


@app.command(
    "compare",
    epilog="Example: [cyan]moodline model compare mobilenetv2-4 models/mine --data fer2013.zip[/]",
)
def compare_command(  # noqa: PLR0913, PLR0917  (one parameter per option)
    a: Annotated[str, typer.Argument(help="Id or folder of a model.")],
    b: Annotated[str, typer.Argument(help="Id or folder of the other model.")],
    data: DataOption,
    split: SplitOption = None,
    labels: LabelsOption = "fer2013",
    votes: VotesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two models on the same faces, and test whether the difference is significant."""
    from moodline.terminal.output import print_json, print_line
    from training.compare import compare
    from training.data.readers import read_dataset
    from training.evaluate import predict_split

    settings, faces = read_settings(), read_dataset(data, votes)
    chosen = faces.split(split_name(faces, split))
    one, other = (predict_split(model_folder(settings, m), chosen, labels) for m in (a, b))
    result = compare(one, other)
    if as_json:
        print_json(result)
        return
    verdict = "significant" if result.p_value < 0.05 else "not significant"
    for line in (
        f"{result.n:,} faces, {labels} labels",
        f"  {result.a}: {result.accuracy_a:.1%}; only this model right: {result.only_a:,}",
        f"  {result.b}: {result.accuracy_b:.1%}; only this model right: {result.only_b:,}",
        f"  difference {100 * (result.accuracy_b - result.accuracy_a):+.2f} points, "
        f"95 % interval {100 * result.low:+.2f} to {100 * result.high:+.2f}; "
        f"p = {result.p_value:.4f} (exact McNemar test): {verdict} at the 5 % level",
    ):
        print_line(line)
