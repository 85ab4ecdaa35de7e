"""The files of an included detector network: weights, and the card that they are checked against.

Needs no LiteRT: ingest reads it to pin runs.
"""

import hashlib
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.errors import ModelError

NETWORKS: Final = Path(__file__).parents[2] / "detectors"
_CARD: Final = "card.json"
_WEIGHTS: Final = "model.tflite"


class NetworkCard(BaseModel):
    """The card beside a detector's weights. sha256: of the weights file."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    sha256: str
    licence: str
    source: str


def read_network(folder: Path) -> tuple[NetworkCard, bytes]:
    """Return card and weights. Raises ModelError if one is missing, damaged, or not the other's."""
    try:
        card = NetworkCard.model_validate_json((folder / _CARD).read_bytes())
        weights = (folder / _WEIGHTS).read_bytes()
    except (OSError, ValidationError) as exc:
        raise ModelError(
            f"the detector in {folder} cannot be read: {exc}", hint="Install moodline again"
        ) from exc
    if hashlib.sha256(weights).hexdigest() != card.sha256:
        raise ModelError(
            f"the weights in {folder} are not those of its card", hint="Install moodline again"
        )
    return card, weights
