"""The seven expressions, in the one order that the model, the tables and the exports share."""

from typing import Final

EMOTIONS: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Order of the model's output, of every probability vector and of the export's columns."""

UNCERTAIN: Final = "uncertain"
"""How an absent label is shown. It is never stored as one: the label is NULL then."""

COLOURS: Final = {
    "happy": "#DE9426",
    "surprise": "#3FA796",
    "neutral": "#84878E",
    "sad": "#2A7FD4",
    "fear": "#A66BC9",
    "disgust": "#7FA34A",
    "angry": "#B5614E",
    UNCERTAIN: "#868E96",
}
"""The colour of each label, everywhere that it is shown."""
