"""What a student learns from: finished runs, artifacts that were shipped, answers in a file."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from contracts.errors import TeacherAnswersError, TrainingRunError
from contracts.expressions import EXPRESSIONS
from contracts.model_card import CARD_NAME, WEIGHTS_NAME
from training.calibration import probabilities
from training.classifier import LiteRtModel
from training.config import ModelShape
from training.data.dataset import Split
from training.model import HEADS, build_model
from training.teachers.recover import recovered, settle

WEIGHTS, CONFIG = "ema.weights.h5", "run.json"

_SETTLED_ON = 2000
"""Faces that set the batch statistics a student starts with."""

Floats = npt.NDArray[np.float32]
Taught = tuple[Floats, Floats]
"""Probabilities for both heads, each [n, 7]."""


def is_artifact(teacher: Path) -> bool:
    """Whether the folder holds a LiteRT model with its card, rather than a run."""
    return (teacher / CARD_NAME).exists()


def is_answers(teacher: Path) -> bool:
    """Whether it is a file that `write_answers` wrote."""
    return teacher.suffix == ".npz"


def answers(teachers: Sequence[Path], split: Split) -> Taught:
    """Mean probabilities of all teachers, over each face and its mirror image."""
    found = [
        read_answers(teacher, split) if is_answers(teacher) else _asked(teacher, split.faces)
        for teacher in teachers
    ]
    return mean_of(found)


def shares(logits: npt.ArrayLike) -> Floats:
    """Softmax of logits [n, 7], as a student learns it."""
    return probabilities(logits).astype(np.float32)


def mean_of(found: Sequence[Taught]) -> Taught:
    """The mean probabilities of several answers for the same faces."""
    hard, soft = (
        np.asarray(np.mean(of_head, axis=0), np.float32) for of_head in zip(*found, strict=True)
    )
    return hard, soft


def write_answers(path: Path, split: Split, taught: Taught) -> None:
    """Keep what somebody else's model answers for the faces of a split."""
    part = path.with_suffix(".part.npz")
    hard, soft = taught
    np.savez(part, faces=split.digest(), fer2013=hard, ferplus=soft)
    part.replace(path)


def read_answers(path: Path, split: Split) -> Taught:
    """Raises TeacherAnswersError where they are not for exactly these faces in this order."""
    try:
        with np.load(path) as kept:
            faces, hard, soft = str(kept["faces"]), *(kept[head] for head in HEADS)
    except (OSError, EOFError, TypeError, ValueError, KeyError, BadZipFile) as exc:
        raise TeacherAnswersError(f"{path} holds no answers: {exc}") from exc
    if faces != split.digest():
        raise TeacherAnswersError(
            f"{path} is of other faces", hint="Write it again from this data set"
        )
    for found in (hard, soft):
        if found.shape != (len(split), len(EXPRESSIONS)) or not np.allclose(found.sum(axis=1), 1.0):
            raise TeacherAnswersError(f"{path} does not hold seven shares of 1 for each face")
    return hard, soft


def network_of(run: Path) -> Any:
    """The Keras model of a run, with its averaged weights."""
    if not (run / WEIGHTS).exists() or not (run / CONFIG).exists():
        raise TrainingRunError(
            f"{run} holds no finished epoch",
            hint="Train first; an artifact can be learned and started from, not exported again",
        )
    shape = ModelShape(**json.loads((run / CONFIG).read_text())["config"]["model"])
    model = build_model(shape, pretrained=False)
    model.load_weights(str(run / WEIGHTS))
    return model


def start_from(teacher: Path, student: Any, faces: npt.NDArray[np.uint8]) -> None:
    """Give the student the teacher's weights, and batch statistics of what the student sees."""
    if is_answers(teacher):
        raise TeacherAnswersError(
            f"{teacher} has no weights to start from", hint="Name a run or an artifact last"
        )
    network = recovered(teacher) if is_artifact(teacher) else network_of(teacher)
    student.set_weights(network.get_weights())
    few = min(_SETTLED_ON, len(faces))
    # Data sets are sorted by label: the first faces would all be angry.
    chosen = np.random.default_rng(0).choice(len(faces), few, replace=False)
    settle(student, faces[chosen])


def described(teacher: Path) -> dict[str, str]:
    """Its name, and a hash of what it answers with."""
    if is_answers(teacher):
        digest = hashlib.sha256(teacher.read_bytes()).hexdigest()
        return {"answers": teacher.name, "sha256": digest}
    kind, weights = ("artifact", WEIGHTS_NAME) if is_artifact(teacher) else ("run", WEIGHTS)
    digest = hashlib.sha256((teacher / weights).read_bytes()).hexdigest()
    return {kind: teacher.name, "weights_sha256": digest}


def _asked(teacher: Path, faces: npt.NDArray[np.uint8]) -> Taught:
    views = [_logits(teacher, view) for view in (faces, faces[:, :, ::-1])]
    hard, soft = ([shares(view[head]) for view in views] for head in HEADS)
    return mean_of(list(zip(hard, soft, strict=True)))


def _logits(teacher: Path, faces: npt.NDArray[np.uint8]) -> dict[str, Floats]:
    if is_artifact(teacher):
        return LiteRtModel(teacher / WEIGHTS_NAME).logits(np.ascontiguousarray(faces))
    found = network_of(teacher).predict(faces, batch_size=256, verbose=0)
    return dict(zip(HEADS, found, strict=True))
