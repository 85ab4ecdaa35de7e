"""The colours of the charts, for a light and a dark page, and the order in which they stack.

Chosen so that all pairs can be told apart, by colour-blind people too, at 3:1 or more on the page.
assets/base.css has the same ones for the legend.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contracts.expressions import EXPRESSIONS, UNCERTAIN

STACK: Final = ("happy", "surprise", "neutral", "sad", "fear", "disgust", "angry", UNCERTAIN)
"""From the bottom, by valence; uncertain on top, for it says how well could be read."""
NO_COVERAGE: Final = "no coverage"


@dataclass(frozen=True, slots=True)
class Palette:
    """One theme. hatch: drawn over uncertain's fill. paper: what lies behind a chart."""

    labels: Mapping[str, str]
    hatch: str
    no_coverage: str
    coverage: str
    paper: str
    text: str
    grid: str


LIGHT: Final = Palette(
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
    coverage="#4F5D75",
    paper="#FFFFFF",
    text="#3D424B",
    grid="#E3E6EA",
)
DARK: Final = Palette(
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
    coverage="#9FB0CC",
    paper="#1B1D21",
    text="#D2D5DA",
    grid="#33363C",
)


def palette(dark: bool) -> Palette:
    """The theme's colours."""
    return DARK if dark else LIGHT


if set(STACK) != {*EXPRESSIONS, UNCERTAIN}:
    raise AssertionError("each label has its place in the stack")
