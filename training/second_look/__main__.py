"""Writes a model of two artifacts: the second one reads what the first one is unsure of.

    python -m training.second_look models/fifth-int8 models/mobilenetv2-4-int8 \\
        --data fer2013.zip --out models/mobilenetv2-5

Nothing is learnt: the files are copied, and both answers together are calibrated on the val split.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from contracts.errors import ModelError, MoodlineError
from contracts.model_card import SECOND_NAME, WEIGHTS_NAME, ModelCard, SecondLook
from training.card import artifact_path, build_card, require_calibration, write_card
from training.classifier import open_networks
from training.data.readers import read_dataset

_BELOW: Final = {"fer2013": 0.7, "ferplus": 0.5}
"""By head. On val, more second looks gained nothing."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the model, and print its version and the calibrated accuracy of each head."""
    parser = argparse.ArgumentParser(description="Write a model of two artifacts.")
    add = parser.add_argument
    add("first", type=Path, help="folder of the artifact that reads every face")
    add("second", type=Path, help="folder of the one that reads those of which it is unsure")
    for head, usual in _BELOW.items():
        help_text = f"probability of {head} below which the first is unsure; default: {usual}"
        add(f"--{head}-below", type=float, default=usual, help=help_text)
    add("--terms", default="", help="what the card says of other data that they learned from")
    add("--data", type=Path, required=True, help="data set whose val split calibrates it")
    add("--out", type=Path, required=True, help="folder to write; its name is the model's id")
    options = parser.parse_args(arguments)
    if options.out.resolve() in {options.first.resolve(), options.second.resolve()}:
        parser.error(f"--out: {options.out} is the folder of one of the artifacts")
    below = {head: getattr(options, f"{head}_below") for head in _BELOW}
    if not all(0 < value <= 1 for value in below.values()):
        parser.error("a probability must be above 0, and 1 at most")
    try:
        card = write_pair(
            options.first, options.second, below, options.data, options.out, terms=options.terms
        )
    except MoodlineError as exc:
        parser.exit(1, f"{exc.line()}\n")
    metrics = {name: head.model_dump()["val_accuracy"] for name, head in card.heads.items()}
    json.dump({"model": card.version, "val_accuracy": metrics}, sys.stdout, indent=1)
    print()


def write_pair(  # noqa: PLR0913
    first: Path, second: Path, below: dict[str, float], data: Path, out: Path, *, terms: str = ""
) -> ModelCard:
    """Write the folder `out`. Raises ModelError, and DatasetError if the data cannot be read."""
    cards = ModelCard.read(first), ModelCard.read(second)
    if any(card.second_look is not None for card in cards):
        raise ModelError("one of these models has two networks itself")
    if cards[0].input_shape != cards[1].input_shape:
        raise ModelError("these models read crops of different sizes")
    val = read_dataset(data).split("val")
    for card in cards:
        require_calibration(card, val)
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(artifact_path(first), out / WEIGHTS_NAME)
    shutil.copyfile(artifact_path(second), out / SECOND_NAME)
    look = SecondLook(below=below, sha256=cards[1].sha256)
    logits = open_networks(out, look).logits(val.faces)
    facts = {
        "id": out.name,
        "created": datetime.now(UTC).date().isoformat(),
        "second_look": look.model_dump(),
        "training": _origin(*cards),
        "input_shape": list(cards[0].input_shape),
    }
    described = build_card(artifact_path(out), val, logits, facts)
    described["licence"] = f"{described['licence']} {terms}".strip()
    described["bytes"] += (out / SECOND_NAME).stat().st_size
    return write_card(out, described)


def _origin(first: ModelCard, second: ModelCard) -> dict[str, Any]:
    """Return how both networks were made; the first one's architecture and data lead."""
    described = {key: first.training.get(key) for key in ("architecture", "data")}
    networks = {
        name: {"model": card.version, **card.training}
        for name, card in (("first", first), ("second", second))
    }
    return described | networks


if __name__ == "__main__":
    main()
