"""The valence of each expression: how pleasant the word for it is."""

from typing import Final

_ANEW_VALENCE: Final = {
    "angry": 2.85,
    "disgust": 2.45,
    "fear": 2.25,
    "happy": 8.21,
    "sad": 1.61,
    "surprise": 7.47,
    "neutral": 5.0,
}
"""Mean valence ratings, 1 to 9, of the words angry, disgusted, fearful, happy, sad, surprised.

Source: Bradley and Lang (1999), Affective Norms for English Words, report C-1, University of
Florida. Neutral is the middle of the scale."""
VALENCES: Final = {label: (rating - 5) / 4 for label, rating in _ANEW_VALENCE.items()}
"""The same ratings, scaled to -1..1."""
