"""The model that comes with moodline. Imports nothing heavy: an ingestor pins runs to it, too."""

from pathlib import Path
from typing import Final

from contracts.errors import ModelError

_MODELS: Final = Path(__file__).parents[1] / "models"


def shipped_model() -> Path:
    """The folder of the model that comes with moodline. Raises ModelError."""
    folders = sorted(_MODELS.glob("*/model_card.json"))
    if not folders:
        raise ModelError("this installation has no model", hint="Set MOODLINE_MODEL")
    return folders[-1].parent


def chosen_model(folder: str) -> Path:
    """The folder that a setting names, or the shipped model's. Raises ModelError."""
    return Path(folder) if folder else shipped_model()
