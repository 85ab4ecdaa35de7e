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
SECOND_NAME: Final = "second.tflite"
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


class SecondLook(BaseModel):
    """When a second network is asked, too; see runtime.second_look.

    below: by output, the first one's probability of its best expression, softmax(logits), below
    which it is unsure of a face. sha256: of the second network's file.
    """

    model_config = ConfigDict(frozen=True)

    below: dict[str, Annotated[float, Field(gt=0, le=1)]]
    sha256: str


class ModelCard(BaseModel):
    """The card of a model artifact.

    input_shape: of a crop, (side, side, 3). crop_margin: share of the box's side that a
    crop adds on each side. record_head: the head whose probabilities are recorded. sha256: of the
    weights file. second_look: of a model with a second network.
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
    second_look: SecondLook | None = None
    chosen_head: str = ""
    """The head that MOODLINE_MODEL_HEAD names, if it is not the card's own record_head."""

    @classmethod
    def read(cls, folder: Path, head: str = "") -> Self:
        """Return the card in `folder`, checked. Raises ModelError.

        head: the head to record; empty: the card's record_head.
        """
        path = folder / CARD_NAME
        for file in (path, folder / WEIGHTS_NAME, folder / SECOND_NAME):
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
        """The digest of all that the weights and the second look decide."""
        if self.second_look is None:
            return self.sha256
        look = self.second_look
        parts = [self.sha256, look.sha256, *(f"{k} {v}" for k, v in sorted(look.below.items()))]
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
        if self.second_look is not None:
            outputs = {head.output for head in self.heads.values()}
            if unknown := outputs - self.second_look.below.keys():
                raise ModelError(f"model {self.id}: no second look at {', '.join(sorted(unknown))}")
            self._check_file(folder / SECOND_NAME, self.second_look.sha256)

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
