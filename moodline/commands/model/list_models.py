"""`moodline model list`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from moodline.commands.model.options import model_folder
from moodline.commands.options import JsonOption, command_app
from moodline.commands.session import read_settings

if TYPE_CHECKING:
    from contracts.model_card import ModelCard

app = command_app()


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model in the list.

    val_accuracy: by head, 0..1; None if the card does not have it. thresholds: the confidence
    below which a face is uncertain, by head.
    """

    id: str
    version: str
    created: str
    record_head: str
    uncertain_below: float
    val_accuracy: dict[str, float | None]
    folder: str
    in_use: bool
    thresholds: dict[str, float]


@app.command("list", epilog="Example: [cyan]moodline model list[/]")
def list_command(as_json: JsonOption = False) -> None:
    """List the models of this installation, and which one is in use."""

    from contracts.model_card import ModelCard
    from inference_worker.faces.model_choice import shipped_models
    from moodline.terminal.output import Screen, new_table, print_json

    used = model_folder(read_settings(), None)
    models = [
        _listed(ModelCard.read(folder), folder, used)
        for folder in sorted({used, *shipped_models().values()})
    ]
    if as_json:
        print_json({"models": models})
        return
    names = ("", "model", "created", "head", "val accuracy", "uncertain below")
    table = new_table(*names, whole=["model", "created", "head"])
    for model in models:
        # The head that is recorded comes first.
        for head in sorted(model.val_accuracy, key=lambda name: name != model.record_head):
            first = head == model.record_head
            table.add_row(
                "*" if first and model.in_use else "",
                model.version if first else "",
                model.created if first else "",
                head,
                f"{model.val_accuracy[head] or 0:.1%}",
                f"{model.thresholds[head]:.2f}",
            )
    Screen().print(table)


def _listed(card: "ModelCard", folder: Path, used: Path) -> ListedModel:
    heads = {name: head.model_extra or {} for name, head in card.heads.items()}
    return ListedModel(
        id=card.id,
        version=card.version,
        created=card.created,
        record_head=card.record_head,
        uncertain_below=card.uncertain_below,
        val_accuracy={name: extra.get("val_accuracy") for name, extra in heads.items()},
        folder=str(folder),
        in_use=folder == used,
        thresholds={name: card.threshold_of(name) for name in card.heads},
    )
