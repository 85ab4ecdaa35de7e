"""Fine-tuning of a network that rounds, on what the float network answers."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.errors import DatasetError
from training.classifier import LiteRtModel
from training.data.material import repeated
from training.data.views import view
from training.loop import learning_rate
from training.model import HEADS
from training.quantised.folding import rebuilt
from training.quantised.rounding import rounded, value_ranges
from training.teachers.answers import softmax

Floats = npt.NDArray[np.float32]
Images = npt.NDArray[np.uint8]

_RANGE_FACES: Final = 1000
_REPORT_EVERY: Final = 50


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a network is fine-tuned.

    epochs: each takes each training face once, in one of `views` views (training.data.views).
    peak_rate: of AdamW, after a linear warm-up over `warmup_steps`; it falls as a cosine.
    """

    epochs: float = 1.5
    views: int = 6
    batch: int = 64
    peak_rate: float = 3e-5
    warmup_steps: int = 100
    weight_decay: float = 1e-3
    clip_norm: float = 4.0
    ema_momentum: float = 0.995
    seed: int = 20261130


@dataclass(frozen=True, slots=True)
class AnsweredView:
    """A view of all faces, grey [n, 48, 48], and a model's probabilities for it, [n, 7] by head."""

    images: Images
    answers: tuple[Floats, ...]


def answered_views(model: LiteRtModel, images: Images, views: int) -> list[AnsweredView]:
    """Return views of grey faces [n, 48, 48], each with the model's answers for it."""
    found = []
    for number in range(views):
        seen = view(images, number)
        logits = model.logits(repeated(seen))
        found.append(AnsweredView(seen, tuple(softmax(logits[head]) for head in HEADS)))
        print(f"view {number + 1} of {views} answered", file=sys.stderr, flush=True)
    return found


def tuned(network: Any, views: Sequence[AnsweredView], tuning: Tuning) -> Any:
    """Return the network without batch norms, with weights for int8.

    network: of training.model.build_model, whose answers the views have. Raises DatasetError if
    there are too few faces for one step.
    """
    steps = int(tuning.epochs * (len(views[0].images) // tuning.batch))
    if not steps:
        raise DatasetError(
            f"{len(views[0].images)} training faces make no step of {tuning.batch} faces",
            hint="Give the data set that the model was trained on, or more epochs",
        )
    import keras

    keras.utils.set_random_seed(tuning.seed)
    rng = np.random.default_rng(tuning.seed)
    faces = views[0].images
    chosen = rng.choice(len(faces), min(_RANGE_FACES, len(faces)), replace=False)
    student = rounded(network, value_ranges(network, repeated(faces[chosen])))
    optimizer = keras.optimizers.AdamW(
        tuning.peak_rate,
        weight_decay=tuning.weight_decay,
        clipnorm=tuning.clip_norm,
        use_ema=True,
        ema_momentum=tuning.ema_momentum,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    student.compile(optimizer=optimizer, loss=[loss] * len(HEADS))
    losses = []
    for step, (batch, answers) in enumerate(_batches(views, tuning, rng, steps)):
        rate = learning_rate(step, steps, tuning.warmup_steps, tuning.peak_rate)
        optimizer.learning_rate.assign(rate)
        losses.append(float(np.ravel(student.train_on_batch(batch, answers))[0]))
        if (step + 1) % _REPORT_EVERY == 0:
            mean = np.mean(losses[-_REPORT_EVERY:])
            print(f"step {step + 1} of {steps}: loss {mean:.3f}", file=sys.stderr, flush=True)
    optimizer.finalize_variable_values(student.trainable_variables)
    plain = rebuilt(network, lambda _name, values: values)
    for layer in plain.layers:
        if layer.weights:
            layer.set_weights(student.get_layer(layer.name).get_weights())
    return plain


def _batches(
    views: Sequence[AnsweredView], tuning: Tuning, rng: np.random.Generator, steps: int
) -> Iterator[tuple[Images, list[Floats]]]:
    """Yield so many batches of faces, each in a view drawn at random, and their answers by head."""
    count = len(views[0].images)
    order = np.empty(0, np.int64)
    for _ in range(steps):
        if len(order) < tuning.batch:
            order = rng.permutation(count)
        chosen, order = order[: tuning.batch], order[tuning.batch :]
        which = rng.integers(0, len(views), len(chosen))
        pairs = list(zip(which, chosen, strict=True))
        images = np.stack([views[number].images[face] for number, face in pairs])
        answers = [
            np.stack([views[number].answers[head][face] for number, face in pairs])
            for head in range(len(HEADS))
        ]
        yield repeated(images), answers
