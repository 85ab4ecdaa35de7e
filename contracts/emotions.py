"""The seven expressions, in the one order that the model, the tables and the exports share."""

from typing import Final

EMOTIONS: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Order of the model's output, of every probability vector and of the export's columns."""

UNCERTAIN: Final = "uncertain"
"""How an absent label is shown. It is never stored as one: the label is NULL then."""
