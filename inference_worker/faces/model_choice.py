"""The folder of the model in use. Imports nothing heavy: ingest reads it to pin runs."""

from pathlib import Path
from typing import Final

from contracts.errors import ModelError
from contracts.model_card import CARD_NAME

_MODELS: Final = Path(__file__).parents[1] / "models"
_USUAL: Final = "mobilenetv2-6"
"""The model that is used where MOODLINE_MODEL names no other."""


def shipped_model() -> Path:
    """Return the folder of the model that moodline uses by itself. Raises ModelError."""
    if _USUAL not in shipped_models():
        raise ModelError("this installation has no model", hint="Set MOODLINE_MODEL")
    return _MODELS / _USUAL


def shipped_models() -> dict[str, Path]:
    """Return the folders of all models that are part of moodline, by id."""
    return {card.parent.name: card.parent for card in sorted(_MODELS.glob(f"*/{CARD_NAME}"))}


def chosen_model(name: str) -> Path:
    """Return the folder of the model that MOODLINE_MODEL names: by id, or as a folder.

    Without a name, it is the shipped model. Raises ModelError.
    """
    return shipped_models().get(name) or Path(name) if name else shipped_model()
