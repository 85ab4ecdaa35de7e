"""What a student learns from: finished runs, or artifacts that were shipped."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from contracts.errors import ModelError
from contracts.model_card import CARD_NAME, WEIGHTS_NAME
from training.calibration import probabilities
from training.classifier import LiteRtModel
from training.config import ModelShape
from training.model import HEADS, build_model
from training.recover import recovered, settle

WEIGHTS, CONFIG = "ema.weights.h5", "run.json"

_SETTLED_ON = 2000
"""Faces that set the batch statistics a student starts with."""

Floats = npt.NDArray[np.float32]
Taught = tuple[Floats, Floats]
"""Probabilities for both heads, each [n, 7]."""


class RunError(ModelError):
    """Raised when a folder holds no finished epoch of a run, or one that cannot be exported."""


def is_artifact(teacher: Path) -> bool:
    """Whether the folder holds a LiteRT model with its card, rather than a run."""
    return (teacher / CARD_NAME).exists()


def answers(teachers: Sequence[Path], faces: npt.NDArray[np.uint8]) -> Taught:
    """Mean probabilities of all teachers, over each face of [n, 48, 48, 3] and its mirror image."""
    views = (faces, faces[:, :, ::-1])
    found = [_logits(teacher, view) for teacher in teachers for view in views]
    hard, soft = (
        np.asarray(np.mean([probabilities(one[head]) for one in found], axis=0), np.float32)
        for head in HEADS
    )
    return hard, soft


def network_of(run: Path) -> Any:
    """The Keras model of a run, with its averaged weights."""
    if not (run / WEIGHTS).exists() or not (run / CONFIG).exists():
        raise RunError(
            f"{run} holds no finished epoch",
            hint="Train first; an artifact can be learned and started from, not exported again",
        )
    shape = ModelShape(**json.loads((run / CONFIG).read_text())["config"]["model"])
    model = build_model(shape, pretrained=False)
    model.load_weights(str(run / WEIGHTS))
    return model


def start_from(teacher: Path, student: Any, faces: npt.NDArray[np.uint8]) -> None:
    """Give the student the teacher's weights, and batch statistics of what the student sees."""
    network = recovered(teacher) if is_artifact(teacher) else network_of(teacher)
    student.set_weights(network.get_weights())
    few = min(_SETTLED_ON, len(faces))
    # Data sets are sorted by label: the first faces would all be angry.
    chosen = np.random.default_rng(0).choice(len(faces), few, replace=False)
    settle(student, faces[chosen])


def described(teacher: Path) -> dict[str, str]:
    """Its name, and a hash of what it answers with."""
    kind, weights = ("artifact", WEIGHTS_NAME) if is_artifact(teacher) else ("run", WEIGHTS)
    digest = hashlib.sha256((teacher / weights).read_bytes()).hexdigest()
    return {kind: teacher.name, "weights_sha256": digest}


def _logits(teacher: Path, faces: npt.NDArray[np.uint8]) -> dict[str, Floats]:
    if is_artifact(teacher):
        return LiteRtModel(teacher / WEIGHTS_NAME).logits(np.ascontiguousarray(faces))
    found = network_of(teacher).predict(faces, batch_size=256, verbose=0)
    return dict(zip(HEADS, found, strict=True))
