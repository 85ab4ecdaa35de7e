"""Every hyperparameter of a training, read from one TOML file."""

import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from contracts.errors import TrainingConfigError

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class ModelShape:
    """Of the network: `seen_as` is the side in pixels that the 48 are resized to.

    dense: units of a hidden layer before the heads; 0 is none. frozen: the backbone stays as
    ImageNet left it.
    """

    alpha: float = 1.0
    seen_as: int = 96
    dropout: float = 0.4
    dense: int = 0
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class Optimizer:
    """AdamW with warm-up, cosine decay and an exponential average of the weights.

    cosine: False keeps the peak rate. ema_momentum: 0 keeps no average. vote_weight: of the
    ferplus head's loss. early_stop_epochs: stop after that many epochs without a better val
    accuracy of the fer2013 head, and keep the best epoch's weights; 0 trains to the last.
    """

    epochs: int
    batch: int = 64
    peak_rate: float = 1e-3
    warmup_epochs: float = 1.0
    weight_decay: float = 1e-2
    clip_norm: float = 2.0
    ema_momentum: float = 0.998
    label_smoothing: float = 0.1
    cosine: bool = True
    vote_weight: float = 1.0
    early_stop_epochs: int = 0


@dataclass(frozen=True, slots=True)
class Distillation:
    """What a run takes from an earlier one: its weights to start from, its answers to learn."""

    teacher_share: float = 0.0
    """Of each training target; the rest is the label."""
    start_from_teacher: bool = False


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Bounds of the random changes to a face; zeros change nothing but the side it looks to."""

    rotation_deg: float = 0.0
    zoom: float = 0.0
    shift_px: float = 0.0
    contrast: float = 0.0
    brightness: float = 0.0
    erase_probability: float = 0.0
    mixup_alpha: float = 0.0


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """One recipe."""

    name: str
    seed: int
    model: ModelShape
    optimizer: Optimizer
    augmentation: Augmentation
    distillation: Distillation = Distillation()

    def as_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


def read_config(path: Path) -> TrainingConfig:
    """Parse a TOML file; unknown keys are errors, so that no typing mistake trains for hours."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as exc:
        raise TrainingConfigError(f"{path.name} cannot be read: {exc}") from exc
    try:
        return TrainingConfig(
            name=str(data.pop("name")),
            seed=int(data.pop("seed")),
            model=_part(ModelShape, data.pop("model", {})),
            optimizer=_part(Optimizer, data.pop("optimizer")),
            augmentation=_part(Augmentation, data.pop("augmentation", {})),
            distillation=_part(Distillation, data.pop("distillation", {})),
            **data,
        )
    except KeyError as exc:
        raise TrainingConfigError(f"{path.name} lacks {exc}") from exc
    except TypeError as exc:
        raise TrainingConfigError(f"{path.name}: {exc}") from exc


def _part(kind: type[Part], values: dict[str, Any]) -> Part:
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - known)
    if unknown:
        raise TypeError(f"unknown setting {unknown[0]!r} of {kind.__name__}")
    return kind(**values)
