"""Names at the right end of what a chart draws, so that nobody has to go to the legend and back."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from contracts.expressions import UNCERTAIN
from dashboard.web.palette import Palette

ROOM_PX: Final = 78
"""How wide the longest is."""
APART: Final = 0.075
"""Of the plot's height: a line of text."""
_LEAST: Final = 0.015
"""Of the plot's height: what is lower has no end that a name could stand at."""


def spread(heights: Sequence[float], apart: float = APART) -> list[float]:
    """Ascending heights of 0..1, moved as little as it takes to be so far apart, and to stay there.

    Raises ValueError for more than there is room for.
    """
    if (len(heights) - 1) * apart > 1:
        raise ValueError(f"no room for {len(heights)} names")
    found: list[float] = []
    for height in heights:
        found.append(max(height, found[-1] + apart) if found else max(height, 0.0))
    top = 1.0
    for place in reversed(range(len(found))):
        found[place] = max(min(found[place], top), 0.0)
        top = found[place] - apart
    return found


def direct_labels(
    ends: Sequence[tuple[str, float, float]], x: str, palette: Palette, top: float
) -> list[dict[str, Any]]:
    """The names as annotations at `x`. ends: label, where its end is, and how high that is, of top.

    In the text's colour, each beside a mark in its own: those colours are not for text.
    """
    shown = sorted((at / top, label) for label, at, height in ends if height / top >= _LEAST)
    heights = spread([at for at, _ in shown])
    return [
        {
            "name": f"label {label}",
            "text": f'<span style="color:{_mark(label, palette)}">■</span> {label}',
            "x": x,
            "y": height * top,
            "xref": "x",
            "yref": "y",
            "xanchor": "left",
            "yanchor": "middle",
            "xshift": 4,
            "borderpad": 0,
            "showarrow": False,
            "font": {"size": 11, "color": palette.text},
        }
        for (_, label), height in zip(shown, heights, strict=True)
    ]


def stacked(heights: Sequence[tuple[str, float]]) -> list[tuple[str, float, float]]:
    """The middles of bands that stand on each other, and how high each is."""
    tops = [0.0]
    for _, height in heights:
        tops.append(tops[-1] + height)
    return [
        (label, (low + high) / 2, high - low)
        for (label, _), (low, high) in zip(heights, pairwise(tops), strict=True)
    ]


def _mark(label: str, palette: Palette) -> str:
    """Uncertain is told by its hatch: its fill is nearly the page's."""
    return palette.hatch if label == UNCERTAIN else palette.labels[label]
