"""The sidecar of a model artifact: what goes in, what comes out, and what it is worth."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from contracts.errors import ModelError
from contracts.expressions import EXPRESSIONS

CARD_NAME: Final = "model_card.json"
WEIGHTS_NAME: Final = "model.tflite"
KERAS_NAME: Final = "model.keras"
CROP_SIDE: Final = 48


class Head(BaseModel):
    """One output of the model: logits, 7 in EXPRESSIONS order.

    The probabilities are softmax(logits / temperature + biases); no biases are none to add.
    uncertain_below: confidence below which a face read by this head is uncertain.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    output: str
    temperature: float = Field(gt=0)
    biases: tuple[float, ...] = ()
    uncertain_below: float | None = Field(default=None, ge=0, le=1)

    @field_validator("biases")
    @classmethod
    def _one_an_expression(cls, biases: tuple[float, ...]) -> tuple[float, ...]:
        if len(biases) not in {0, len(EXPRESSIONS)} or not all(map(math.isfinite, biases)):
            raise ValueError(f"biases are {len(EXPRESSIONS)} numbers, or none")
        return biases


class ModelCard(BaseModel):
    """A model artifact's card. crop_margin: of the box's side, added on each side of it."""

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
    chosen_head: str = ""
    """The head that this installation records where it is not the card's own."""

    @classmethod
    def read(cls, folder: Path, head: str = "") -> Self:
        """The card in `folder`, checked against the contracts. Raises ModelError.

        head: the one to record; empty is the card's own.
        """
        path = folder / CARD_NAME
        try:
            card = cls.model_validate(json.loads(path.read_text()))
        except FileNotFoundError as exc:
            raise ModelError(
                f"no model in {folder}", hint="MOODLINE_MODEL names a folder with a model card"
            ) from exc
        except (ValueError, ValidationError) as exc:
            raise ModelError(f"{path} is not a model card: {exc}") from exc
        card._check(folder)
        return card if head in {"", card.record_head} else card._recording(head)

    @property
    def version(self) -> str:
        """What runs are pinned to: the id, the content of the weights, a head that was chosen."""
        chosen = f"+{self.chosen_head}" if self.chosen_head else ""
        return f"{self.id}@{self.sha256[:12]}{chosen}"

    def threshold_of(self, head: str) -> float:
        """Confidence below which that head is uncertain; the card's where the head has none."""
        own = self.heads[head].uncertain_below
        return self.uncertain_below if own is None else own

    def _recording(self, head: str) -> Self:
        if head not in self.heads:
            raise ModelError(
                f"model {self.id} has no head {head!r} to record",
                hint=f"MOODLINE_MODEL_HEAD is one of: {', '.join(self.heads)}",
            )
        chosen = {
            "record_head": head,
            "chosen_head": head,
            "uncertain_below": self.threshold_of(head),
        }
        return self.model_copy(update=chosen)

    def _check(self, folder: Path) -> None:
        if self.labels != EXPRESSIONS:
            raise ModelError(f"model {self.id} has other labels or another order: {self.labels}")
        if self.input_shape != (CROP_SIDE, CROP_SIDE, 3) or self.input_dtype != "uint8":
            raise ModelError(f"model {self.id} takes {self.input_shape} {self.input_dtype}")
        if self.record_head not in self.heads:
            raise ModelError(f"model {self.id} has no head {self.record_head!r} to record")
        try:
            digest = hashlib.sha256((folder / WEIGHTS_NAME).read_bytes()).hexdigest()
        except OSError as exc:
            raise ModelError(f"model {self.id} has no {WEIGHTS_NAME} beside its card") from exc
        if digest != self.sha256:
            raise ModelError(
                f"model {self.id}: {WEIGHTS_NAME} is not the file that its card describes",
                hint="Copy the folder again",
            )
