"""The training loop. A checkpoint per epoch lets a killed run continue after its last epoch."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.config import DESCRIPTION, WEIGHTS, TrainingConfig
from training.data.augment import TrainingBatch, augmented, mixed
from training.data.material import Material, repeated
from training.model import build_model

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


OnStep = Callable[[int, int, int], None]
"""Called after each step with the epoch (from 1), the step (from 1) and the steps per epoch."""


def learning_rate(step: int, total: int, warmup: int, peak: float) -> float:
    """Return linear warm-up times cosine decay at a step of `total`; 0 means no decay."""
    ramp = min((step + 1) / max(warmup, 1), 1.0)
    if not total:
        return peak * ramp
    return max(peak * ramp * 0.5 * (1.0 + float(np.cos(np.pi * step / total))), 1e-6)


def batches(material: Material, config: TrainingConfig, epoch: int) -> Iterator[TrainingBatch]:
    """Yield the epoch's batches, augmented in a thread; an epoch always has the same batches."""
    rng = np.random.default_rng(config.seed + epoch)
    size = config.optimizer.batch
    targets, order = material.targets, rng.permutation(len(material.images))
    ready: queue.Queue[TrainingBatch | None] = queue.Queue(_PREFETCHED_BATCHES)

    def produce() -> None:
        for start in range(0, len(order) - size + 1, size):
            i = order[start : start + size]
            faces = repeated(augmented(material.images[i], config.augmentation, rng))
            batch = TrainingBatch(faces, targets.hard[i], targets.soft[i], targets.soft_weight[i])
            ready.put(mixed(batch, config.augmentation.mixup_alpha, rng))
        ready.put(_END)

    threading.Thread(target=produce, daemon=True).start()
    while (batch := ready.get()) is not _END:
        yield batch


class Trainer:
    """The model, the optimizer and the folder of one training run."""

    def __init__(self, config: TrainingConfig, material: Material, run: Path) -> None:
        import keras

        self.config, self.material, self.run = config, material, run
        keras.utils.set_random_seed(config.seed)
        self.model = build_model(config.model, pretrained=False)
        self.model.set_weights(material.start)
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
        return len(self.material.images) // self.config.optimizer.batch

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
        for i, batch in enumerate(batches(self.material, self.config, self.epoch)):
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
        faces, majority = repeated(self.material.val_images), self.material.val_majority
        hard, soft = self.model.predict(faces, batch_size=256, verbose=0)
        voted = majority >= 0
        accuracies = {"fer2013": float((hard.argmax(axis=1) == self.material.val_labels).mean())}
        if voted.any():
            accuracies["ferplus"] = float((soft.argmax(axis=1) == majority)[voted].mean())
        return {head: round(value, 4) for head, value in accuracies.items()}


def train(
    config: TrainingConfig,
    material: Material,
    run: Path,
    on_step: OnStep = lambda _epoch, _step, _steps: None,
) -> Iterator[EpochResult]:
    """Train until the recipe ends, from the run's checkpoint if there is one; yield each epoch.

    Writes run.json, everything that is needed to reproduce the run.
    """
    import keras

    run.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(config, material, run)
    trainer.resume()
    description = {
        "config": config.as_dict(),
        **material.description,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
    }
    (run / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    while not trainer.finished:
        yield trainer.run_epoch(on_step)
