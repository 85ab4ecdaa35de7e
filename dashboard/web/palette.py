"""The chart colours of a light and a dark page, and the order in which labels are stacked.

The label colours are those of contracts.expressions. The bundle writes the same ones into the
style sheet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contracts.expressions import DARK_THEME, LABELS, LIGHT_THEME, UNCERTAIN, ThemeColours
from dashboard.language.words import N_

STACK: Final = ("happy", "surprise", "neutral", "sad", "fear", "disgust", "angry", UNCERTAIN)
"""From the bottom, by valence. Uncertain is on top: it measures quality, not expression."""
NO_COVERAGE: Final = N_("no coverage")


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme.

    coverage, low_coverage: of the bars of coverage, and of those below 60 %. paper: the background
    of charts.
    """

    theme: ThemeColours
    coverage: str
    low_coverage: str
    paper: str
    text: str
    grid: str

    @property
    def labels(self) -> Mapping[str, str]:
        return self.theme.labels

    @property
    def hatch(self) -> str:
        return self.theme.hatch

    @property
    def no_coverage(self) -> str:
        return self.theme.no_coverage


LIGHT: Final = Palette(
    LIGHT_THEME,
    coverage="#4F5D75",
    low_coverage="#C4320A",
    paper="#FFFFFF",
    text="#3D424B",
    grid="#E3E6EA",
)
DARK: Final = Palette(
    DARK_THEME,
    coverage="#9FB0CC",
    low_coverage="#FF8A5B",
    paper="#1B1D21",
    text="#D2D5DA",
    grid="#33363C",
)


def palette(dark: bool) -> Palette:
    """Return the palette of the theme."""
    return DARK if dark else LIGHT


if set(STACK) != set(LABELS):
    raise AssertionError("each label must have its place in the stack")
