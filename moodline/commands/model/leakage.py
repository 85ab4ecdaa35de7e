"""`moodline model leakage`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from moodline.commands.model.options import DataArgument, ModelOption, VotesOption, model_folder
from moodline.commands.options import JsonOption, command_app
from moodline.commands.session import read_settings

if TYPE_CHECKING:
    from training.data.dataset import Dataset

app = command_app()


@dataclass(frozen=True, slots=True)
class SplitLeakage:
    """The near-duplicates of training faces in another split.

    accuracy: by labels, the accuracy on the whole split and on the split without them, 0..1.
    """

    faces: int
    near_duplicates: int
    of_another_label: int
    accuracy: dict[str, tuple[float, float]]


@app.command("leakage", epilog="Example: [cyan]moodline model leakage fer2013.zip[/]")
def leakage_command(
    dataset: DataArgument,
    model: ModelOption = None,
    votes: VotesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count near-duplicates of training faces in other splits, and their effect on accuracy."""
    from moodline.terminal.output import print_json, print_line
    from training.data.readers import read_dataset

    settings, faces = read_settings(), read_dataset(dataset, votes)
    folder = model_folder(settings, model)
    results = {
        name: _leakage(folder, faces, name) for name in sorted(set(faces.splits) - {"train"})
    }
    if as_json:
        print_json(results)
        return
    for name, found in results.items():
        print_line(
            f"{name}: {found.near_duplicates:,} of {found.faces:,} faces are near-duplicates of "
            f"a training face, {found.of_another_label:,} of them with another label"
        )
        for labels, (whole, rest) in found.accuracy.items():
            print_line(f"  {labels}: accuracy {whole:.2%}, without near-duplicates {rest:.2%}")


def _leakage(folder: Path, faces: "Dataset", name: str) -> SplitLeakage:
    from training.data.leakage import near_duplicates

    duplicates = near_duplicates(faces.split(name), faces.split("train"))
    return SplitLeakage(
        faces=len(faces.split(name)),
        near_duplicates=len(duplicates),
        of_another_label=sum(not one.same_label for one in duplicates),
        accuracy=_accuracies(folder, faces, name, frozenset(one.name for one in duplicates)),
    )


def _accuracies(
    folder: Path, faces: "Dataset", name: str, excluded: frozenset[str]
) -> dict[str, tuple[float, float]]:
    """Return by labels the accuracy on the whole split, and without the excluded faces."""
    from training.evaluate import predict_split

    accuracies = {}
    for labels in ("fer2013", "ferplus"):
        if labels == "ferplus" and not faces.split(name).voted.any():
            continue
        readings = predict_split(folder, faces.split(name), labels)
        rest = [
            right
            for face, right in zip(readings.names, readings.correct, strict=True)
            if face not in excluded
        ]
        accuracies[labels] = (
            round(float(readings.correct.mean()), 4),
            round(sum(map(float, rest)) / max(len(rest), 1), 4),
        )
    return accuracies
