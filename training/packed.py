"""Training on a machine that has only NumPy, Keras and a GPU: pack here, train there, export here.

    python -m training.packed pack --config training/configs/fourth.toml --data fer2013.zip \\
        --teacher faces.npz --teacher models/mobilenetv2-3 --out packed.npz
    KERAS_BACKEND=torch python -m training.packed train packed.npz \\
        --config training/configs/fourth.toml --batch 256 --run runs/fourth
    moodline model export --run runs/fourth --data fer2013.zip --out models/ours

The second command needs no data set, no teacher, no decoder and no TensorFlow: Keras 3 with PyTorch
or JAX, and the folders training, runtime and contracts. It continues after the last full epoch.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from contracts.errors import MoodlineError
from training.config import TrainingConfig, read_config
from training.data.material import Material, read_material, write_material
from training.loop import train


def main(arguments: Sequence[str] | None = None) -> None:
    """Pack a training into one file, or train such a file."""
    parser = argparse.ArgumentParser(description="Train on a machine without the data set's tools.")
    commands = parser.add_subparsers(dest="command", required=True)
    pack = commands.add_parser("pack", help="write one file with all that a training takes")
    pack.add_argument("--config", type=Path, required=True, help="recipe, .toml")
    pack.add_argument("--data", type=Path, required=True, help="data set to train on")
    pack.add_argument("--teacher", type=Path, action="append", default=[], help="can be repeated")
    pack.add_argument("--imagenet", type=Path, help="start weights of a recipe without a teacher")
    pack.add_argument("--out", type=Path, required=True, help="file to write, .npz")
    run = commands.add_parser("train", help="train a packed file")
    run.add_argument("packed", type=Path, help="file of pack")
    run.add_argument("--config", type=Path, required=True, help="recipe, .toml")
    run.add_argument("--run", type=Path, required=True, help="folder of the run")
    run.add_argument("--epochs", type=int, help="instead of the recipe's")
    run.add_argument("--batch", type=int, help="instead of the recipe's; the rate grows with it")
    options = parser.parse_args(arguments)
    try:
        if options.command == "pack":
            write_material(options.out, _material(options))
            return
        config = with_steps(read_config(options.config), options.epochs, options.batch)
        for result in train(config, read_material(options.packed), options.run):
            print(result, flush=True)
    except MoodlineError as exc:
        parser.exit(1, f"{exc.line()}\n")


def with_steps(config: TrainingConfig, epochs: int | None, batch: int | None) -> TrainingConfig:
    """Return the recipe with other epochs or another batch; None keeps the recipe's.

    The peak rate grows with the root of the batch, as Adam's steps do. The average of the weights
    is over as many faces as before.
    """
    options = config.optimizer
    batch, epochs = batch or options.batch, epochs or options.epochs
    ratio = batch / options.batch
    changed = replace(
        options,
        epochs=epochs,
        batch=batch,
        peak_rate=options.peak_rate * ratio**0.5,
        ema_momentum=options.ema_momentum**ratio,
    )
    return replace(config, optimizer=changed)


def _material(options: argparse.Namespace) -> Material:
    from training.data.readers import read_dataset
    from training.teachers.prepare import prepare

    config, data = read_config(options.config), read_dataset(options.data)
    return prepare(config, data, options.imagenet, options.teacher)


if __name__ == "__main__":
    main()
