"""TrainingConfig: every hyperparameter of a training, read from one TOML recipe."""

import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeVar

from contracts.errors import TrainingConfigError
from runtime.files.regular_files import read_regular

Section = TypeVar("Section")

SIDE: Final = 48
"""Pixels along each side of a face, as in FER2013."""

WEIGHTS: Final = "ema.weights.h5"
DESCRIPTION: Final = "run.json"
"""Files in the folder of a training run: its averaged weights, and how they were made."""


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The shape of the network, a MobileNetV2 with two heads.

    alpha: its width multiplier. seen_as: side in pixels to which the 48x48 faces are resized.
    dense: units of a hidden layer before the heads; 0 for none. frozen: the backbone keeps its
    ImageNet weights. learns_from: the first layer of the backbone that learns, such as
    block_6_expand; those before keep the weights of the start. "" for all.
    """

    alpha: float = 1.0
    seen_as: int = 96
    dropout: float = 0.4
    dense: int = 0
    frozen: bool = False
    learns_from: str = ""


@dataclass(frozen=True, slots=True)
class Optimizer:
    """AdamW with warm-up, cosine decay and an exponential moving average (EMA) of the weights.

    cosine: False keeps the peak rate. ema_momentum: 0 for no average. vote_weight: weight of the
    ferplus head's loss. early_stop_epochs: stop after this many epochs without a better val
    accuracy of the fer2013 head, and keep the best epoch's weights; 0 trains all epochs.
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
    """Knowledge distillation from teachers.

    teacher_share: weight of the teachers' predictions in each training target; the rest is the
    label. teacher_weights: of each teacher in their mean; empty: equal ones. start_from_teacher:
    start with the weights of the last teacher. feature_weight: weight of a third loss, by which the
    student also learns the features that a teacher sees in each view of a face (FitNets, Romero et
    al. 2015); 0 for none.
    """

    teacher_share: float = 0.0
    start_from_teacher: bool = False
    teacher_weights: tuple[float, ...] = ()
    feature_weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Bounds of the random changes to a face. With zeros, a face is only ever mirrored."""

    rotation_deg: float = 0.0
    zoom: float = 0.0
    shift_px: float = 0.0
    contrast: float = 0.0
    brightness: float = 0.0
    erase_probability: float = 0.0
    mixup_alpha: float = 0.0


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """A training recipe."""

    name: str
    seed: int
    model: ModelShape
    optimizer: Optimizer
    augmentation: Augmentation
    distillation: Distillation = Distillation()

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as JSON values."""
        return asdict(self)


def read_config(path: Path) -> TrainingConfig:
    """Read a TOML recipe. Raises TrainingConfigError, also for an unknown setting."""
    try:
        data = tomllib.loads(read_regular(path).decode())
    except (OSError, ValueError) as exc:
        raise TrainingConfigError(f"{path.name} cannot be read: {exc}") from exc
    try:
        return TrainingConfig(
            name=str(data.pop("name")),
            seed=int(data.pop("seed")),
            model=_section(ModelShape, data.pop("model", {})),
            optimizer=_section(Optimizer, data.pop("optimizer")),
            augmentation=_section(Augmentation, data.pop("augmentation", {})),
            distillation=_section(Distillation, data.pop("distillation", {})),
            **data,
        )
    except KeyError as exc:
        raise TrainingConfigError(f"{path.name} has no {exc}") from exc
    except TypeError as exc:
        raise TrainingConfigError(f"{path.name}: {exc}") from exc


def _section(kind: type[Section], values: dict[str, Any]) -> Section:
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - known)
    if unknown:
        raise TypeError(f"unknown setting {unknown[0]!r} of {kind.__name__}")
    # TOML has lists; a recipe is hashed and compared, and has tuples.
    return kind(
        **{key: tuple(one) if isinstance(one, list) else one for key, one in values.items()}
    )
