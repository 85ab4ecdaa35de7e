"""The material of a training, from a recipe, a data set and teachers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from contracts.errors import DatasetError, TeacherAnswersError
from contracts.expressions import EXPRESSIONS
from training.config import Distillation, TrainingConfig
from training.data.dataset import Dataset, Split
from training.data.material import Floats, Material, Targets
from training.model import build_model
from training.teachers.answers import (
    TeacherAnswers,
    ask_teachers,
    describe_teacher,
    no_features,
    start_from_teacher,
)


def prepare(
    config: TrainingConfig,
    data: Dataset,
    imagenet: Path | None = None,
    teachers: Sequence[Path] = (),
) -> Material:
    """Ask the teachers, and return all that the training takes.

    imagenet: see build_model. Raises DatasetError if the data is smaller than a batch or the recipe
    needs a teacher; TeacherAnswersError and TrainingRunError.
    """
    train, val = data.split("train"), data.split("val")
    if len(train) < config.optimizer.batch:
        raise DatasetError(
            f"the train split has fewer faces than one batch of {config.optimizer.batch}"
        )
    if not teachers and config.distillation != Distillation():
        raise DatasetError(f"the recipe {config.name} needs a teacher", hint="Add --teacher RUN")
    answers = None
    if teachers:
        answers = ask_teachers(teachers, train, config.distillation.teacher_weights)
    return Material(
        images=train.images,
        targets=build_targets(train, config, answers),
        val_images=val.images,
        val_labels=val.labels,
        val_majority=np.where(val.voted, val.votes.argmax(axis=1), -1),
        start=_start(config, train, imagenet, teachers),
        description=_description(data, teachers),
    )


def build_targets(split: Split, config: TrainingConfig, answers: TeacherAnswers | None) -> Targets:
    """Return the targets from labels and votes, mixed with a teacher's answers if there are any.

    Knowledge distillation (Hinton et al. 2015), here from a network of the same size (born-again
    networks, Furlanello et al. 2018). The soft target of a face without votes is the teacher's.
    Raises TeacherAnswersError if the recipe learns features and no teacher has any.
    """
    smoothing = config.optimizer.label_smoothing
    n = len(EXPRESSIONS)
    hard = np.eye(n, dtype=np.float32)[split.labels] * (1.0 - smoothing) + smoothing / n
    soft, weights = split.vote_shares, split.voted.astype(np.float32)
    if answers is None:
        return Targets(hard, soft, weights, no_features(len(split)))
    features = answers.features
    if config.distillation.feature_weight and not features.shape[-1]:
        raise TeacherAnswersError(
            f"the recipe {config.name} learns features, but no teacher has any",
            hint="Write its file with `python -m training.face_teacher ... --components 256`",
        )
    if not config.distillation.feature_weight:
        features = no_features(len(split))
    share = np.float32(config.distillation.teacher_share)
    hard = hard * (1 - share) + answers.fer2013 * share
    voted = soft * (1 - share) + answers.ferplus * share
    soft = np.where(weights[:, None] > 0, voted, answers.ferplus)
    return Targets(hard, soft, np.ones_like(weights), features)


def _start(
    config: TrainingConfig, train: Split, imagenet: Path | None, teachers: Sequence[Path]
) -> tuple[Floats, ...]:
    import keras

    keras.utils.set_random_seed(config.seed)
    from_teacher = config.distillation.start_from_teacher
    model = build_model(config.model, imagenet, pretrained=not from_teacher)
    if from_teacher:
        start_from_teacher(teachers[-1], model, train.faces)
    return tuple(model.get_weights())


def _description(data: Dataset, teachers: Sequence[Path]) -> dict[str, Any]:
    train = data.split("train")
    description: dict[str, Any] = {
        "data": {
            "name": data.source.name,
            "train": len(train),
            "val": len(data.split("val")),
        },
        "train_sha256": train.digest(),
    }
    if teachers:
        description["teachers"] = [describe_teacher(teacher) for teacher in teachers]
    return description
