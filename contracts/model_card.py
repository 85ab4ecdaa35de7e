"""ModelCard: the JSON file beside a model's weights, with its inputs, outputs and metrics."""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from contracts.errors import ModelError
from contracts.expressions import EXPRESSIONS

CARD_NAME: Final = "model_card.json"
WEIGHTS_NAME: Final = "model.tflite"
FURTHER_NAMES: Final = ("second.tflite", "third.tflite")
"""Files of the networks that further looks ask, in order."""
KERAS_NAME: Final = "model.keras"
_CROP_SIDES: Final = range(16, 513)


@dataclass(frozen=True, slots=True)
class Framing:
    """How a model's crops are cut. side: in pixels. margin: see ModelCard.crop_margin."""

    side: int
    margin: float


class Head(BaseModel):
    """One output of the model: 7 logits in the order of EXPRESSIONS.

    The probabilities are softmax(logits / temperature + biases), without biases if there are none.
    uncertain_below: confidence below which a face is uncertain; None: the card's value.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    output: str
    temperature: float = Field(gt=0)
    biases: tuple[float, ...] = ()
    uncertain_below: float | None = Field(default=None, ge=0, le=1)

    @field_validator("biases")
    @classmethod
    def _one_per_expression(cls, biases: tuple[float, ...]) -> tuple[float, ...]:
        if len(biases) not in {0, len(EXPRESSIONS)} or not all(map(math.isfinite, biases)):
            raise ValueError(f"biases must be {len(EXPRESSIONS)} finite numbers, or empty")
        return biases


class Look(BaseModel):
    """When another network is asked, too; see runtime.further_looks.

    below: by output, the probability of the best expression, the mean of the networks before, below
    which they are unsure of a face. alone: whether its answer counts instead of those before, and
    not with them. mirrored: whether it sees the mirror image. sha256: of its file, the one of this
    place in FURTHER_NAMES.
    """

    model_config = ConfigDict(frozen=True)

    below: dict[str, Annotated[float, Field(gt=0, le=1)]]
    alone: bool
    mirrored: bool
    sha256: str


class ModelCard(BaseModel):
    """The card of a model artifact.

    input_shape: of a crop, (side, side, 3). crop_margin: share of the box's side that a
    crop adds on each side. record_head: the head whose probabilities are recorded. sha256: of the
    weights file. looks: of a model with several networks, each but the first.
    """

    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=())

    id: str
    created: str
    labels: tuple[str, ...]
    input_shape: tuple[int, int, int]
    input_dtype: str
    crop_margin: float = Field(ge=0, le=1)
    heads: dict[str, Head]
    record_head: str
    uncertain_below: float = Field(ge=0, le=1)
    sha256: str
    metrics: dict[str, Any]
    training: dict[str, Any]
    looks: tuple[Look, ...] = Field(default=(), max_length=len(FURTHER_NAMES))
    chosen_head: str = ""
    """The head that MOODLINE_MODEL_HEAD names, if it is not the card's own record_head."""

    @classmethod
    def read(cls, folder: Path, head: str = "") -> Self:
        """Return the card in `folder`, checked. Raises ModelError.

        head: the head to record; empty: the card's record_head.
        """
        path = folder / CARD_NAME
        for file in (path, *(folder / name for name in (WEIGHTS_NAME, *FURTHER_NAMES))):
            if file.exists() and not file.is_file():  # Reading a pipe would wait for its writer.
                raise ModelError(f"{file} is not a regular file", hint="Copy the model again")
        try:
            card = cls.model_validate_json(path.read_bytes())
        except FileNotFoundError as exc:
            raise ModelError(
                f"no model in {folder}", hint="Set MOODLINE_MODEL to a folder with a model card"
            ) from exc
        except ValidationError as exc:
            raise ModelError(f"{path} is not a model card: {exc}") from exc
        card._check(folder)
        return card if head in {"", card.record_head} else card._recording(head)

    @property
    def version(self) -> str:
        """The model version of a run: id, digest of the weights, and the head if it was chosen."""
        chosen = f"+{self.chosen_head}" if self.chosen_head else ""
        return f"{self.id}@{self._digest[:12]}{chosen}"

    @property
    def _digest(self) -> str:
        """The digest of all that the weights and the further looks decide."""
        if not self.looks:
            return self.sha256
        parts = [self.sha256]
        for look in self.looks:
            below = (f"{name} {value}" for name, value in sorted(look.below.items()))
            parts += [look.sha256, str(look.alone), str(look.mirrored), *below]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def framing(self) -> Framing:
        """How the crops are cut that the model reads."""
        return Framing(self.input_shape[0], self.crop_margin)

    def threshold_of(self, head: str) -> float:
        """Return the confidence below which a face that `head` classifies is uncertain."""
        own = self.heads[head].uncertain_below
        return self.uncertain_below if own is None else own

    def _recording(self, head: str) -> Self:
        if head not in self.heads:
            raise ModelError(
                f"model {self.id} has no head {head!r}",
                hint=f"Set MOODLINE_MODEL_HEAD to one of: {', '.join(self.heads)}",
            )
        chosen = {
            "record_head": head,
            "chosen_head": head,
            "uncertain_below": self.threshold_of(head),
        }
        return self.model_copy(update=chosen)

    def _check(self, folder: Path) -> None:
        if self.labels != EXPRESSIONS:
            raise ModelError(f"model {self.id} has unsupported labels: {self.labels}")
        side = self.framing.side
        square = side in _CROP_SIDES and self.input_shape == (side, side, 3)
        if not square or self.input_dtype != "uint8":
            raise ModelError(
                f"model {self.id} has unsupported inputs: {self.input_shape} {self.input_dtype}",
                hint="moodline runs models of square uint8 crops with 3 channels, "
                f"{_CROP_SIDES[0]} to {_CROP_SIDES[-1]} pixels wide",
            )
        if self.record_head not in self.heads:
            raise ModelError(f"model {self.id} has no head {self.record_head!r}, its record_head")
        self._check_file(folder / WEIGHTS_NAME, self.sha256)
        outputs = {head.output for head in self.heads.values()}
        for look, name in zip(self.looks, FURTHER_NAMES, strict=False):
            if unknown := outputs - look.below.keys():
                raise ModelError(
                    f"model {self.id}: no further look at {', '.join(sorted(unknown))}"
                )
            self._check_file(folder / name, look.sha256)
        for name in FURTHER_NAMES[len(self.looks) :]:
            if (folder / name).exists():  # Its card was calibrated with it, or is another's.
                raise ModelError(
                    f"model {self.id} has {name}, of which its card says nothing",
                    hint="Copy the model's folder again, or join its networks again",
                )

    def _check_file(self, path: Path, sha256: str) -> None:
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as exc:
            raise ModelError(f"model {self.id} has no readable {path.name}") from exc
        if digest != sha256:
            raise ModelError(
                f"model {self.id}: {path.name} does not have the sha256 of its card",
                hint="Copy the model's folder again",
            )
