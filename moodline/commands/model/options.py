"""Options that several model commands share, and how a model and a split are chosen."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from contracts.errors import ModelError

if TYPE_CHECKING:
    from contracts.settings import Settings
    from training.data.dataset import Dataset

DATA_HELP = "Labelled faces: a folder or zip (split/expression/image), or a pixel CSV."

DataArgument = Annotated[Path, typer.Argument(help=DATA_HELP)]
DataOption = Annotated[Path, typer.Option("--data", help=DATA_HELP)]
VotesOption = Annotated[
    Path | None, typer.Option("--votes", help="The FER+ file fer2013new.csv, for a pixel CSV.")
]
LabelsOption = Annotated[
    Literal["fer2013", "ferplus"],
    typer.Option(help="fer2013: the original label. ferplus: the majority of the FER+ votes."),
]
SplitOption = Annotated[
    str | None,
    typer.Option(help="train, val or test. Default: the only split, else test, else val."),
]
ModelOption = Annotated[
    str | None,
    typer.Option(help="Model id or folder, see `moodline model list`. Default: the one in use."),
]
NewModelOption = Annotated[
    Path, typer.Option("--out", help="Folder to create; its name becomes the model's id.")
]


def model_folder(settings: "Settings", name: str | None) -> Path:
    """Return the folder of a model by id or path; None is the model in use.

    Raises ModelError.
    """
    from contracts.model_card import CARD_NAME
    from inference_worker.faces.model_choice import chosen_model, shipped_models

    if name is None:
        return chosen_model(settings.model)
    if name in (known := shipped_models()):
        return known[name]
    if (Path(name) / CARD_NAME).exists():
        return Path(name)
    raise ModelError(f"model {name!r} not found", hint="`moodline model list` shows the models")


def split_name(faces: "Dataset", wanted: str | None) -> str:
    """Return the split to use: the wanted one, else the only one, else test, else val."""
    if wanted is not None:
        return wanted
    if len(faces.splits) == 1:
        return next(iter(faces.splits))
    return "test" if "test" in faces.splits else "val"


@contextmanager
def needs_tensorflow() -> Iterator[None]:
    """Raise ModelError, with what to install, if TensorFlow or Keras is missing."""
    try:
        yield
    except ModuleNotFoundError as exc:
        if (exc.name or "").split(".")[0] not in ("keras", "tensorflow"):
            raise
        raise ModelError(
            f"training needs {exc.name}, which is not installed",
            hint="Install moodline[train], or run `make train`",
        ) from exc
