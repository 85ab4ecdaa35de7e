"""Direct labels: the names of bands and lines at their right ends, instead of a legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from contracts.expressions import LABELS, UNCERTAIN
from dashboard.language.words import label_name
from dashboard.web.palette import Palette

_MIN_MARGIN_PX: Final = 78
_CHARACTER_PX: Final = 6.8
_MARK_PX: Final = 20
LINE_HEIGHT: Final = 0.075
"""The height of a label, as a share of the plot's height."""
_MIN_HEIGHT: Final = 0.015
"""The height from which a band is labelled, as a share of the plot's height."""


@dataclass(frozen=True, slots=True)
class LabelEnd:
    """The end of a band or line: its middle, and its height, in units of the axis."""

    label: str
    middle: float
    height: float


def margin_px() -> int:
    """Return the width of the longest label, in the viewer's language."""
    longest = max(len(label_name(one)) for one in LABELS)
    return max(_MIN_MARGIN_PX, round(_MARK_PX + _CHARACTER_PX * longest))


def spread(heights: Sequence[float], apart: float = LINE_HEIGHT) -> list[float]:
    """Move ascending heights of 0..1 apart, as little as needed and within 0..1.

    Raises ValueError if there are too many.
    """
    if (len(heights) - 1) * apart > 1:
        raise ValueError(f"{len(heights)} labels do not fit")
    found: list[float] = []
    for height in heights:
        found.append(max(height, found[-1] + apart) if found else max(height, 0.0))
    top = 1.0
    for place in reversed(range(len(found))):
        found[place] = max(min(found[place], top), 0.0)
        top = found[place] - apart
    return found


def direct_labels(
    ends: Sequence[LabelEnd], x: str, palette: Palette, top: float
) -> list[dict[str, Any]]:
    """Return the labels as annotations at `x`. top: the end of the axis.

    The text has the text colour, beside a mark in the label's: label colours are not for text.
    """
    shown = sorted((one.middle / top, one.label) for one in ends if one.height / top >= _MIN_HEIGHT)
    heights = spread([middle for middle, _ in shown])
    return [
        {
            "name": f"label {label}",
            "text": f'<span style="color:{_mark(label, palette)}">■</span> {label_name(label)}',
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


def stacked(heights: Sequence[tuple[str, float]]) -> list[LabelEnd]:
    """Return the ends of bands that are stacked on each other, from labels and heights."""
    tops = [0.0]
    for _, height in heights:
        tops.append(tops[-1] + height)
    return [
        LabelEnd(label, (low + high) / 2, high - low)
        for (label, _), (low, high) in zip(heights, pairwise(tops), strict=True)
    ]


def _mark(label: str, palette: Palette) -> str:
    """Return the colour of the mark; for uncertain its hatch, as its fill is nearly the page's."""
    return palette.hatch if label == UNCERTAIN else palette.labels[label]
