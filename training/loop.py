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

from training.config import DESCRIPTION, WEIGHTS, TrainingConfig
from training.data.augment import TrainingBatch, augmented, mixed
from training.data.material import Material, repeated
from training.data.views import view
from training.model import build_model, fuse_batch_norms, with_features

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


def views(material: Material) -> list[npt.NDArray[np.uint8]]:
    """Return the views of the faces that training takes, uint8 [n, 48, 48] each."""
    return [view(material.images, number) for number in range(len(material.targets.features))]


def batches(
    material: Material,
    config: TrainingConfig,
    epoch: int,
    seen: Sequence[npt.NDArray[np.uint8]],
) -> Iterator[TrainingBatch]:
    """Yield the epoch's batches, augmented in a thread; an epoch always has the same batches.

    seen: the views of the faces; an epoch takes each face once, in one of them.
    """
    rng = np.random.default_rng(config.seed + epoch)
    size = config.optimizer.batch
    targets, order = material.targets, rng.permutation(len(material.images))
    # A mirrored face would not have the features of its view.
    mirrors = len(seen) == 1
    which = rng.integers(0, len(seen), len(order)) if not mirrors else np.zeros_like(order)
    ready: queue.Queue[TrainingBatch | None] = queue.Queue(_PREFETCHED_BATCHES)

    def produce() -> None:
        for start in range(0, len(order) - size + 1, size):
            i = order[start : start + size]
            chosen = np.stack([seen[v][face] for v, face in zip(which[i], i, strict=True)])
            batch = TrainingBatch(
                repeated(augmented(chosen, config.augmentation, rng, mirrors=mirrors)),
                targets.hard[i],
                targets.soft[i],
                targets.soft_weight[i],
                targets.features[which[i], i].astype(np.float32),
            )
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
        fuse_batch_norms(self.model)
        self.views = views(material)
        width = material.targets.features.shape[-1]
        # Trained with one output more, which no artifact has.
        self.trained = with_features(self.model, width) if width else self.model
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
        losses, weights = [loss, loss], [1.0, options.vote_weight]
        if width:
            losses.append(keras.losses.MeanSquaredError())
            weights.append(config.distillation.feature_weight)
        self.trained.compile(optimizer=self.optimizer, loss=losses, loss_weights=weights)
        self.optimizer.build(self.trained.trainable_variables)
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
        for i, batch in enumerate(batches(self.material, self.config, self.epoch, self.views)):
            step = self.epoch * self.steps + i
            decay_steps = total if options.cosine else 0
            rate = learning_rate(step, decay_steps, warmup, options.peak_rate)
            self.optimizer.learning_rate.assign(rate)
            targets = [batch.hard, batch.soft, batch.features]
            weights = [np.ones_like(batch.soft_weight), batch.soft_weight]
            weights.append(np.ones_like(batch.soft_weight))
            outputs = len(self.trained.outputs)
            result = self.trained.train_on_batch(
                batch.faces, targets[:outputs], sample_weight=weights[:outputs]
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
        return [*self.trained.variables, *self.optimizer.variables]

    def _checkpoint(self) -> None:
        import keras

        arrays = {f"v{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(self._state())}
        part = self.run / "checkpoint.part.npz"
        np.savez(part, epoch=self.epoch, best=self.best, best_epoch=self.best_epoch, **arrays)
        part.replace(self.run / CHECKPOINT)

    def _averaged_accuracies(self) -> dict[str, float]:
        kept = self.trained.get_weights()
        if self.config.optimizer.ema_momentum > 0:
            self.optimizer.finalize_variable_values(self.trained.trainable_variables)
        accuracies = self._accuracies()
        better = accuracies["fer2013"] > self.best
        if better or not self.config.optimizer.early_stop_epochs:
            self.model.save_weights(str(self.run / WEIGHTS))
        if better:
            self.best, self.best_epoch = accuracies["fer2013"], self.epoch
        self.trained.set_weights(kept)
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
