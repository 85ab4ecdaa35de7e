"""The folder of the model in use. Imports nothing heavy: ingest reads it to pin runs."""

from pathlib import Path
from typing import Final

from contracts.errors import ModelError

_MODELS: Final = Path(__file__).parents[1] / "models"


def shipped_model() -> Path:
    """Return the folder of the model that is part of moodline. Raises ModelError."""
    cards = sorted(_MODELS.glob("*/model_card.json"))
    if not cards:
        raise ModelError("this installation has no model", hint="Set MOODLINE_MODEL")
    return cards[-1].parent


def chosen_model(folder: str) -> Path:
    """Return the folder that MOODLINE_MODEL names, or the shipped model's. Raises ModelError."""
    return Path(folder) if folder else shipped_model()
