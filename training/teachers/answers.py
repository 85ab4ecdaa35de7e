"""Answers of teachers: probabilities that a student learns from, besides the labels.

A teacher is the folder of a finished training run, the folder of an artifact, or an .npz file with
the answers of any other model.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from contracts.errors import TeacherAnswersError, TrainingRunError
from contracts.expressions import EXPRESSIONS
from contracts.model_card import CARD_NAME, FURTHER_NAMES, WEIGHTS_NAME
from runtime.files.regular_files import open_regular, read_regular
from training.calibration import probabilities
from training.classifier import open_model
from training.config import DESCRIPTION, WEIGHTS, ModelShape
from training.data.dataset import Split
from training.model import HEADS, build_model
from training.teachers.recover import recover_network, reset_batch_norms

_BATCH_NORM_FACES: Final = 2000
"""Faces that set the batch norm statistics with which a student starts."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TeacherAnswers:
    """Probabilities [n, 7] of both heads for the n faces of a split.

    features: what the teacher sees in v views of each face (training.data.views), [v, n, d] with a
    mean square near 1; d is 0 for a teacher that keeps that to itself.
    """

    fer2013: Floats
    ferplus: Floats
    features: npt.NDArray[np.float16] = field(default_factory=lambda: no_features(0))


def no_features(faces: int) -> npt.NDArray[np.float16]:
    """Return the features of a teacher that has none, of the faces as they are."""
    return np.zeros((1, faces, 0), np.float16)


def is_artifact(teacher: Path) -> bool:
    """Return whether the folder holds a LiteRT model with its card, rather than a run."""
    return (teacher / CARD_NAME).exists()


def is_answers_file(teacher: Path) -> bool:
    """Return whether the path is that of a file with answers."""
    return teacher.suffix == ".npz"


def ask_teachers(
    teachers: Sequence[Path], split: Split, weights: Sequence[float] = ()
) -> TeacherAnswers:
    """Return the mean of all teachers' answers; models answer for each face and its mirror image.

    weights: of each teacher; empty: equal ones. Raises TeacherAnswersError and TrainingRunError.
    """
    if weights and len(weights) != len(teachers):
        raise TeacherAnswersError(
            f"the recipe has weights for {len(weights)} teachers, but {len(teachers)} are given",
            hint="Give as many --teacher options as teacher_weights of the recipe, in their order",
        )
    return mean_answers(
        [
            read_answers(teacher, split)
            if is_answers_file(teacher)
            else _ask_model(teacher, split.faces)
            for teacher in teachers
        ],
        weights,
    )


def softmax(logits: npt.ArrayLike) -> Floats:
    """Return float32 probabilities of logits [n, 7]."""
    return probabilities(logits).astype(np.float32)


def mean_answers(
    answers: Sequence[TeacherAnswers], weights: Sequence[float] = ()
) -> TeacherAnswers:
    """Return the mean of several answers for the same faces. weights: equal ones if empty.

    The features are those of the first teacher that has any.
    """
    fer2013, ferplus = (
        np.average(np.stack(views), axis=0, weights=weights or None).astype(np.float32, copy=False)
        for views in ([one.fer2013 for one in answers], [one.ferplus for one in answers])
    )
    seen = (one.features for one in answers if one.features.shape[-1])
    return TeacherAnswers(fer2013, ferplus, next(seen, no_features(len(fer2013))))


def write_answers(path: Path, split: Split, answers: TeacherAnswers) -> None:
    """Write answers for the faces of a split to an .npz file."""
    part = path.with_suffix(".part.npz")
    arrays: dict[str, Any] = {name: getattr(answers, name) for name in HEADS}
    if answers.features.shape[-1]:
        arrays["features"] = answers.features
    np.savez(part, faces=split.digest(), **arrays)
    part.replace(path)


def read_answers(path: Path, split: Split) -> TeacherAnswers:
    """Read a file of answers.

    Raises TeacherAnswersError if it is not for exactly these faces in this order.
    """
    try:
        with open_regular(path) as file, np.load(file) as stored:
            faces = str(stored["faces"])
            fer2013, ferplus = (stored[head] for head in HEADS)
            features = stored["features"] if "features" in stored else no_features(len(split))
    except (OSError, EOFError, TypeError, ValueError, KeyError, BadZipFile) as exc:
        raise TeacherAnswersError(f"{path} is not a file of answers: {exc}") from exc
    if faces != split.digest():
        raise TeacherAnswersError(
            f"{path} has answers for other faces", hint="Write it again from this data set"
        )
    for head in (fer2013, ferplus):
        if head.shape != (len(split), len(EXPRESSIONS)) or not np.allclose(head.sum(axis=1), 1.0):
            raise TeacherAnswersError(f"{path} does not have seven probabilities for each face")
    if features.ndim != 3 or not len(features) or features.shape[1] != len(split):
        raise TeacherAnswersError(f"{path} does not have features for each view of each face")
    return TeacherAnswers(fer2013, ferplus, features)


def load_network(run: Path) -> Any:
    """Return the Keras model of a run, with its averaged weights. Raises TrainingRunError."""
    if not (run / WEIGHTS).exists() or not (run / DESCRIPTION).exists():
        raise TrainingRunError(
            f"{run} has no finished epoch",
            hint="Train first, or give the folder of a float artifact",
        )
    shape = ModelShape(**json.loads(read_regular(run / DESCRIPTION))["config"]["model"])
    model = build_model(shape, pretrained=False)
    model.load_weights(str(run / WEIGHTS))
    return model


def start_from_teacher(teacher: Path, student: Any, faces: npt.NDArray[np.uint8]) -> None:
    """Copy the teacher's weights to the student, and set its batch norms for these faces.

    faces: uint8 [n, 48, 48, 3]. Raises TeacherAnswersError if the teacher is a file of answers.
    """
    if is_answers_file(teacher):
        raise TeacherAnswersError(
            f"{teacher} has no weights to start from",
            hint="Give a run or an artifact as the last teacher",
        )
    network = recover_network(teacher) if is_artifact(teacher) else load_network(teacher)
    student.set_weights(network.get_weights())
    count = min(_BATCH_NORM_FACES, len(faces))
    # Data sets are sorted by label: the first faces would all be angry.
    chosen = np.random.default_rng(0).choice(len(faces), count, replace=False)
    reset_batch_norms(student, faces[chosen])


def describe_teacher(teacher: Path) -> dict[str, str]:
    """Return the teacher's name and a hash of its weights or answers, for run.json."""
    if is_answers_file(teacher):
        digest = hashlib.sha256(read_regular(teacher)).hexdigest()
        return {"answers": teacher.name, "sha256": digest}
    kind, weights = ("artifact", WEIGHTS_NAME) if is_artifact(teacher) else ("run", WEIGHTS)
    digest = hashlib.sha256(read_regular(teacher / weights)).hexdigest()
    described = {kind: teacher.name, "weights_sha256": digest}
    for name in FURTHER_NAMES:
        if (teacher / name).exists():
            digest = hashlib.sha256(read_regular(teacher / name)).hexdigest()
            described[f"{name.partition('.')[0]}_sha256"] = digest
    return described


def _ask_model(teacher: Path, faces: npt.NDArray[np.uint8]) -> TeacherAnswers:
    views = [_logits(teacher, view) for view in (faces, faces[:, :, ::-1])]
    return mean_answers(
        [TeacherAnswers(softmax(view["fer2013"]), softmax(view["ferplus"])) for view in views]
    )


def _logits(teacher: Path, faces: npt.NDArray[np.uint8]) -> dict[str, Floats]:
    if is_artifact(teacher):
        return open_model(teacher).logits(np.ascontiguousarray(faces))
    outputs = load_network(teacher).predict(faces, batch_size=256, verbose=0)
    return dict(zip(HEADS, outputs, strict=True))
