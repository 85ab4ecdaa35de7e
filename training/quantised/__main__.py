"""Writes the int8 artifact of a float one, fine-tuned so that rounding changes its answers little.

    python -m training.quantised inference_worker/models/mobilenetv2-4 --data fer2013.zip \\
        --out models/mobilenetv2-4-int8

It learns what the float artifact answers for views of the training faces: no label is used but for
the calibration on the val split, as in any export.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from contracts.errors import MoodlineError
from contracts.model_card import WEIGHTS_NAME, ModelCard
from training.classifier import LiteRtModel
from training.data.readers import read_dataset
from training.export import Precision, network_logits, write_artifact
from training.quantised.tuning import Tuning, answered_views, tuned
from training.teachers.recover import recover_network


def main(arguments: Sequence[str] | None = None) -> None:
    """Fine-tune, export, and print how the artifact compares with the float network."""
    parser = argparse.ArgumentParser(description="Write a fine-tuned int8 artifact of a float one.")
    add = parser.add_argument
    add("model", type=Path, help="folder of the float artifact")
    add("--data", type=Path, required=True, help="data set that it was trained on")
    add("--out", type=Path, required=True, help="folder to write; its name is the model's id")
    add("--epochs", type=float, default=Tuning().epochs, help="passes over the training faces")
    options = parser.parse_args(arguments)
    # Checked now, and not after half an hour.
    if options.out.resolve() == options.model.resolve():
        parser.error(f"--out: {options.out} is the folder of the float artifact itself")
    if not 0 < options.epochs < math.inf:
        parser.error("--epochs must be a number above 0")
    try:
        _write(options.model, options.data, options.out, replace(Tuning(), epochs=options.epochs))
    except MoodlineError as exc:
        parser.exit(1, f"{exc.line()}\n")


def _write(folder: Path, data_path: Path, out: Path, tuning: Tuning) -> None:
    card, network = ModelCard.read(folder), recover_network(folder)
    data = read_dataset(data_path)
    images = data.split("train").images
    views = answered_views(LiteRtModel(folder / WEIGHTS_NAME), images, tuning.views)
    origin = {"training": card.training, "weights_of": card.id, "tuning": asdict(tuning)}
    model = tuned(network, views, tuning)
    expected = network_logits(network, data)
    _, agreement = write_artifact(out, model, Precision.INT8, data, network=expected, origin=origin)
    json.dump(asdict(agreement), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
