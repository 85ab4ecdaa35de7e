"""The seven expressions: their order, their valence, and their colours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

EXPRESSIONS: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The order of the model's outputs, of every probability vector and of the exported columns."""

UNCERTAIN: Final = "uncertain"
"""The name shown for a missing label. It is never stored: the label is NULL in the records."""

LABELS: Final = (*EXPRESSIONS, UNCERTAIN)
"""Every label that can be shown: the seven expressions, then uncertain."""

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


@dataclass(frozen=True, slots=True)
class ThemeColours:
    """The label colours of a light or a dark page, as #RRGGBB.

    labels: fill colour by label, uncertain included. hatch: the lines over uncertain's fill.
    no_coverage: the outline and hatch of a time without analysis.
    """

    labels: Mapping[str, str]
    hatch: str
    no_coverage: str


# All pairs can be told apart, with colour-blind eyes too, at a contrast of 3:1 or more with the
# page. tests/unit/dashboard/test_palette.py measures both.
LIGHT_THEME: Final = ThemeColours(
    labels={
        "happy": "#B88605",
        "surprise": "#0F4F46",
        "neutral": "#878893",
        "sad": "#1A94EC",
        "fear": "#642C7D",
        "disgust": "#598363",
        "angry": "#7E2C08",
        UNCERTAIN: "#E9ECEF",
    },
    hatch="#5F636D",
    no_coverage="#868E96",
)
DARK_THEME: Final = ThemeColours(
    labels={
        "happy": "#DE9426",
        "surprise": "#8FE3D6",
        "neutral": "#84878E",
        "sad": "#2A7FD4",
        "fear": "#DBB2FA",
        "disgust": "#CBE690",
        "angry": "#B5614E",
        UNCERTAIN: "#373A40",
    },
    hatch="#C1C2C5",
    no_coverage="#7D838C",
)

COLOURS: Final[Mapping[str, str]] = {
    **DARK_THEME.labels,
    # The dark theme's colours for these would be lost on a white background.
    "surprise": "#3FA796",
    "fear": "#A66BC9",
    "disgust": "#7FA34A",
    UNCERTAIN: LIGHT_THEME.no_coverage,
}
"""Label colours for an unknown background: a terminal."""

ON_PICTURES: Final[Mapping[str, str]] = DARK_THEME.labels
"""Label colours of the boxes that are drawn on pictures, with a dark and a light line beside each:
so they need no contrast with the picture, and all pairs can be told apart."""


def text_colour_on(background: str) -> str:
    """Return black or white, as #RRGGBB: the one with more contrast on this colour."""
    linear = [
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in (int(background[place : place + 2], 16) / 255 for place in (1, 3, 5))
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    # Where both have the same contrast: sqrt(1.05 * 0.05) - 0.05.
    return "#000000" if luminance > 0.179 else "#FFFFFF"
