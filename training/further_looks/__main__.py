"""Writes a model of several artifacts: each but the first reads what those before are unsure of.

    python -m training.further_looks models/sixth-int8 models/fifth-int8 \\
        models/mobilenetv2-4-int8 --data fer2013.zip --out models/mobilenetv2-6 \\
        --ferplus-below 0.6 0.5 --fer2013-below 0.65 0.7 --alone 2 --mirrored 3

Nothing is learnt: the files are copied, and the answers together are calibrated on the val split.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from contracts.errors import ModelError, MoodlineError
from contracts.model_card import FURTHER_NAMES, WEIGHTS_NAME, Look, ModelCard
from training.card import artifact_path, build_card, require_calibration, write_card
from training.classifier import open_networks
from training.data.readers import read_dataset

_BELOW: Final = {"fer2013": 0.7, "ferplus": 0.5}
"""By head. On val, more looks of a second network gained nothing."""
_MOST: Final = 1 + len(FURTHER_NAMES)


@dataclass(frozen=True, slots=True)
class Plan:
    """An artifact, and when it is asked; see Look."""

    folder: Path
    below: dict[str, float]
    alone: bool
    mirrored: bool


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the model, and print its version and the calibrated accuracy of each head."""
    parser = argparse.ArgumentParser(description="Write a model of several artifacts.")
    add = parser.add_argument
    add(
        "artifacts",
        type=Path,
        nargs="+",
        help="folders: of the one that reads every face, then of those that are asked, in order",
    )
    for head, usual in _BELOW.items():
        add(
            f"--{head}-below",
            type=float,
            nargs="+",
            default=[usual],
            help=f"probability of {head} below which the next one is asked: one for each of them, "
            f"or one for all; default: {usual}",
        )
    add(
        "--mirrored",
        type=int,
        nargs="*",
        default=[2],
        help="places of the artifacts that see the mirror image; default: 2",
    )
    add(
        "--alone",
        type=int,
        nargs="*",
        default=[],
        help="places of those whose answer counts instead of those before; default: none",
    )
    add("--terms", default="", help="what the card says of other data that they learned from")
    add("--data", type=Path, required=True, help="data set whose val split calibrates it")
    add("--out", type=Path, required=True, help="folder to write; its name is the model's id")
    options = parser.parse_args(arguments)
    folders, places = options.artifacts, range(2, len(options.artifacts) + 1)
    if not 2 <= len(folders) <= _MOST:
        parser.error(f"2 to {_MOST} artifacts make a model, not {len(folders)}")
    if options.out.resolve() in {folder.resolve() for folder in folders}:
        parser.error(f"--out: {options.out} is the folder of one of the artifacts")
    below = {}
    for head in _BELOW:
        given = getattr(options, f"{head}_below")
        below[head] = given * len(places) if len(given) == 1 else given
        if len(below[head]) != len(places):
            parser.error(f"--{head}-below: give one probability, or {len(places)}")
        if not all(0 < value <= 1 for value in below[head]):
            parser.error("a probability must be above 0, and 1 at most")
    for option in ("mirrored", "alone"):
        if not set(getattr(options, option)) <= set(places):
            parser.error(f"--{option}: places are 2 to {len(folders)}")
    plans = [
        Plan(
            folder,
            {head: values[place - 2] for head, values in below.items()},
            alone=place in options.alone,
            mirrored=place in options.mirrored,
        )
        for place, folder in zip(places, folders[1:], strict=True)
    ]
    try:
        card = write_cascade(folders[0], plans, options.data, options.out, terms=options.terms)
    except MoodlineError as exc:
        parser.exit(1, f"{exc.line()}\n")
    metrics = {name: head.model_dump()["val_accuracy"] for name, head in card.heads.items()}
    json.dump({"model": card.version, "val_accuracy": metrics}, sys.stdout, indent=1)
    print()


def write_cascade(
    first: Path, plans: Sequence[Plan], data: Path, out: Path, *, terms: str = ""
) -> ModelCard:
    """Write the folder `out`. Raises ModelError, and DatasetError if the data cannot be read."""
    folders = [first, *(plan.folder for plan in plans)]
    cards = [ModelCard.read(folder) for folder in folders]
    if any(card.looks for card in cards):
        raise ModelError("one of these models has several networks itself")
    if len({card.input_shape for card in cards}) > 1:
        raise ModelError("these models read crops of different sizes")
    val = read_dataset(data).split("val")
    for card in cards:
        require_calibration(card, val)
    out.mkdir(parents=True, exist_ok=True)
    names = (WEIGHTS_NAME, *FURTHER_NAMES)[: len(folders)]
    for folder, name in zip(folders, names, strict=True):
        shutil.copyfile(artifact_path(folder), out / name)
    looks = [
        Look(below=plan.below, alone=plan.alone, mirrored=plan.mirrored, sha256=card.sha256)
        for plan, card in zip(plans, cards[1:], strict=True)
    ]
    logits = open_networks(out, looks).logits(val.faces)
    facts = {
        "id": out.name,
        "created": datetime.now(UTC).date().isoformat(),
        "looks": [look.model_dump() for look in looks],
        "training": _origin(cards),
        "input_shape": list(cards[0].input_shape),
    }
    described = build_card(artifact_path(out), val, logits, facts)
    described["licence"] = f"{described['licence']} {terms}".strip()
    described["bytes"] = sum((out / name).stat().st_size for name in names)
    return write_card(out, described)


def _origin(cards: Sequence[ModelCard]) -> dict[str, Any]:
    """Return how the networks were made; the first one's architecture and data lead."""
    described = {key: cards[0].training.get(key) for key in ("architecture", "data")}
    names = ("first", *(name.partition(".")[0] for name in FURTHER_NAMES))
    networks = {
        name: {"model": card.version, **card.training}
        for name, card in zip(names, cards, strict=False)
    }
    return described | networks


if __name__ == "__main__":
    main()
