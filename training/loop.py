"""The training loop. A checkpoint per epoch lets a killed run continue after its last epoch."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from contracts.errors import DatasetError
from contracts.expressions import EXPRESSIONS
from training.config import Distillation, TrainingConfig
from training.data.augment import TrainingBatch, augmented, mixed
from training.data.dataset import Dataset, Split
from training.model import build_model
from training.teachers.answers import (
    CONFIG,
    WEIGHTS,
    TeacherAnswers,
    ask_teachers,
    describe_teacher,
    start_from_teacher,
)

CHECKPOINT, LOG = "checkpoint.npz", "log.jsonl"

_PREFETCHED_BATCHES = 4
_END = None


@dataclass(frozen=True, slots=True)
class EpochResult:
    """One line of log.jsonl. raw, ema: val accuracy by head, with raw and with averaged weights."""

    epoch: int
    loss: float
    raw: dict[str, float]
    ema: dict[str, float]
    seconds: float


Floats = npt.NDArray[np.float32]

OnStep = Callable[[int, int, int], None]
"""Called after each step with the epoch (from 1), the step (from 1) and the steps per epoch."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Training targets of n faces. hard, soft: of the heads fer2013 and ferplus, [n, 7].

    soft_weight: weight of the soft target, [n]; 0 for a face without votes.
    """

    hard: Floats
    soft: Floats
    soft_weight: Floats


def learning_rate(step: int, total: int, warmup: int, peak: float) -> float:
    """Return linear warm-up times cosine decay at a step of `total`; 0 means no decay."""
    ramp = min((step + 1) / max(warmup, 1), 1.0)
    if not total:
        return peak * ramp
    return max(peak * ramp * 0.5 * (1.0 + float(np.cos(np.pi * step / total))), 1e-6)


def build_targets(split: Split, config: TrainingConfig, answers: TeacherAnswers | None) -> Targets:
    """Return the targets from labels and votes, mixed with a teacher's answers if there are any.

    Knowledge distillation (Hinton et al. 2015), here from a network of the same size (born-again
    networks, Furlanello et al. 2018). The soft target of a face without votes is the teacher's.
    """
    smoothing = config.optimizer.label_smoothing
    n = len(EXPRESSIONS)
    hard = np.eye(n, dtype=np.float32)[split.labels] * (1.0 - smoothing) + smoothing / n
    soft, weights = split.vote_shares, split.voted.astype(np.float32)
    if answers is None:
        return Targets(hard, soft, weights)
    share = np.float32(config.distillation.teacher_share)
    hard = hard * (1 - share) + answers.fer2013 * share
    voted = soft * (1 - share) + answers.ferplus * share
    soft = np.where(weights[:, None] > 0, voted, answers.ferplus)
    return Targets(hard, soft, np.ones_like(weights))


def batches(
    split: Split, targets: Targets, config: TrainingConfig, epoch: int
) -> Iterator[TrainingBatch]:
    """Yield the epoch's batches, augmented in a thread; an epoch always has the same batches."""
    rng = np.random.default_rng(config.seed + epoch)
    size = config.optimizer.batch
    order = rng.permutation(len(split))
    ready: queue.Queue[TrainingBatch | None] = queue.Queue(_PREFETCHED_BATCHES)

    def produce() -> None:
        for start in range(0, len(order) - size + 1, size):
            i = order[start : start + size]
            moved = [augmented(image, config.augmentation, rng) for image in split.images[i]]
            faces = np.repeat(np.stack(moved)[..., None], 3, axis=-1)
            batch = TrainingBatch(faces, targets.hard[i], targets.soft[i], targets.soft_weight[i])
            ready.put(mixed(batch, config.augmentation.mixup_alpha, rng))
        ready.put(_END)

    threading.Thread(target=produce, daemon=True).start()
    while (batch := ready.get()) is not _END:
        yield batch


class Trainer:
    """The model, the optimizer and the folder of one training run.

    Raises DatasetError if the data is smaller than a batch, or the recipe needs a teacher.
    """

    def __init__(
        self,
        config: TrainingConfig,
        data: Dataset,
        run: Path,
        imagenet: Path | None,
        teachers: Sequence[Path],
    ):
        import keras

        self.config, self.run = config, run
        self.train, self.val = data.split("train"), data.split("val")
        if len(self.train) < config.optimizer.batch:
            raise DatasetError(
                f"the train split has fewer faces than one batch of {config.optimizer.batch}"
            )
        keras.utils.set_random_seed(config.seed)
        self.model = build_model(config.model, imagenet)
        answers = None
        if teachers:
            answers = ask_teachers(teachers, self.train)
            if config.distillation.start_from_teacher:
                start_from_teacher(teachers[-1], self.model, self.train.faces)
        elif config.distillation != Distillation():
            raise DatasetError(
                f"the recipe {config.name} needs a teacher", hint="Add --teacher RUN"
            )
        self.targets = build_targets(self.train, config, answers)
        options = config.optimizer
        self.optimizer = keras.optimizers.AdamW(
            options.peak_rate,
            weight_decay=options.weight_decay,
            use_ema=options.ema_momentum > 0,
            ema_momentum=options.ema_momentum,
            clipnorm=options.clip_norm or None,
        )
        self.optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        weights = [1.0, options.vote_weight]
        self.model.compile(optimizer=self.optimizer, loss=[loss, loss], loss_weights=weights)
        self.optimizer.build(self.model.trainable_variables)
        self.epoch, self.best, self.best_epoch = 0, -1.0, 0

    @property
    def steps(self) -> int:
        """Steps per epoch; a last, smaller batch is left out."""
        return len(self.train) // self.config.optimizer.batch

    def resume(self) -> bool:
        """Load the run's checkpoint; return whether there was one."""
        path = self.run / CHECKPOINT
        if not path.exists():
            return False
        with np.load(path) as state:
            self.epoch, self.best_epoch = int(state["epoch"]), int(state["best_epoch"])
            self.best = float(state["best"])
            for i, variable in enumerate(self._state()):
                variable.assign(state[f"v{i}"])
        return True

    @property
    def finished(self) -> bool:
        """Whether all epochs are trained, or early stopping applies."""
        options = self.config.optimizer
        patience = options.early_stop_epochs
        stuck = patience and self.epoch - self.best_epoch >= patience
        return bool(stuck) or self.epoch >= options.epochs

    def run_epoch(self, on_step: OnStep) -> EpochResult:
        """Train one epoch, evaluate it, and write weights, checkpoint and log."""
        begin, losses = time.monotonic(), []
        options, total = self.config.optimizer, self.config.optimizer.epochs * self.steps
        warmup = int(options.warmup_epochs * self.steps)
        for i, batch in enumerate(batches(self.train, self.targets, self.config, self.epoch)):
            step = self.epoch * self.steps + i
            decay_steps = total if options.cosine else 0
            rate = learning_rate(step, decay_steps, warmup, options.peak_rate)
            self.optimizer.learning_rate.assign(rate)
            weights = [np.ones_like(batch.soft_weight), batch.soft_weight]
            result = self.model.train_on_batch(
                batch.faces, [batch.hard, batch.soft], sample_weight=weights
            )
            losses.append(float(np.ravel(result)[0]))
            on_step(self.epoch + 1, i + 1, self.steps)
        self.epoch += 1
        raw, ema = self._accuracies(), self._averaged_accuracies()
        # After the weights: a kill in between repeats the epoch, with the same result.
        self._checkpoint()
        seconds = round(time.monotonic() - begin, 1)
        line = EpochResult(self.epoch, round(float(np.mean(losses)), 4), raw, ema, seconds)
        with (self.run / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(asdict(line)) + "\n")
        return line

    def _state(self) -> list[Any]:
        # model.variables includes the dropout's seed state, optimizer.variables the averages.
        return [*self.model.variables, *self.optimizer.variables]

    def _checkpoint(self) -> None:
        import keras

        arrays = {f"v{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(self._state())}
        part = self.run / "checkpoint.part.npz"
        np.savez(part, epoch=self.epoch, best=self.best, best_epoch=self.best_epoch, **arrays)
        part.replace(self.run / CHECKPOINT)

    def _averaged_accuracies(self) -> dict[str, float]:
        kept = self.model.get_weights()
        if self.config.optimizer.ema_momentum > 0:
            self.optimizer.finalize_variable_values(self.model.trainable_variables)
        accuracies = self._accuracies()
        better = accuracies["fer2013"] > self.best
        if better or not self.config.optimizer.early_stop_epochs:
            self.model.save_weights(str(self.run / WEIGHTS))
        if better:
            self.best, self.best_epoch = accuracies["fer2013"], self.epoch
        self.model.set_weights(kept)
        return accuracies

    def _accuracies(self) -> dict[str, float]:
        hard, soft = self.model.predict(self.val.faces, batch_size=256, verbose=0)
        voted = self.val.voted
        majority = self.val.votes.argmax(axis=1)
        accuracies = {"fer2013": float((hard.argmax(axis=1) == self.val.labels).mean())}
        if voted.any():
            accuracies["ferplus"] = float((soft.argmax(axis=1) == majority)[voted].mean())
        return {head: round(value, 4) for head, value in accuracies.items()}


def train(  # noqa: PLR0913, PLR0917  (the options of one command)
    config: TrainingConfig,
    data: Dataset,
    run: Path,
    imagenet: Path | None = None,
    teachers: Sequence[Path] = (),
    on_step: OnStep = lambda _epoch, _step, _steps: None,
) -> Iterator[EpochResult]:
    """Train until the recipe ends, from the run's checkpoint if there is one; yield each epoch.

    imagenet: see build_model. Raises DatasetError, TeacherAnswersError and TrainingRunError.
    """
    run.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(config, data, run, imagenet, teachers)
    trainer.resume()
    _write_description(config, data, run, teachers)
    while not trainer.finished:
        yield trainer.run_epoch(on_step)


def _write_description(
    config: TrainingConfig, data: Dataset, run: Path, teachers: Sequence[Path]
) -> None:
    """Write run.json: everything that is needed to reproduce the run."""
    import keras

    train_split = data.split("train")
    description = {
        "config": config.as_dict(),
        "data": {
            "name": data.source.name,
            "train": len(train_split),
            "val": len(data.split("val")),
        },
        "train_sha256": train_split.digest(),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
    }
    if teachers:
        description["teachers"] = [describe_teacher(teacher) for teacher in teachers]
    (run / CONFIG).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
