"""Polygons in fractions of a picture: which points they contain, and whether they are simple."""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

Point = tuple[float, float]
"""x and y, 0..1, from the left and the top of the picture as it is displayed."""
Polygon = tuple[Point, ...]

_GRID: Final = 10_000
"""Corners lie on a grid of so many steps a side: exact as integers, and below a pixel."""


def without_repeats(polygon: Sequence[Point]) -> Polygon:
    """Return the polygon on the grid; of equal corners in a row, as at its end, one is kept."""
    corners = [(round(x * _GRID) / _GRID, round(y * _GRID) / _GRID) for x, y in polygon]
    pairs = zip(corners, [*corners[1:], *corners[:1]], strict=True)
    return tuple(one for one, following in pairs if one != following)


def contains(polygon: Sequence[Point], x: float, y: float) -> bool:
    """Return whether the polygon contains the point: whether a ray from it crosses it once."""
    inside = False
    for (x0, y0), (x1, y1) in _edges(polygon):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            inside = not inside
    return inside


def area(polygon: Sequence[Point]) -> float:
    """Return the area, as a fraction of the picture's (the shoelace formula)."""
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in _edges(polygon))) / 2


def crosses_itself(polygon: Sequence[Point]) -> bool:
    """Return whether two of the edges cross, so that it is not clear what is inside."""
    edges = _edges([(round(x * _GRID), round(y * _GRID)) for x, y in polygon])
    return any(_cross(*one, *other) for one, other in combinations(edges, 2))


def _edges(polygon: Sequence[Point]) -> list[tuple[Point, Point]]:
    return list(zip(polygon, [*polygon[1:], *polygon[:1]], strict=True))


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Return whether the inner parts of a-b and c-d meet in one point."""
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
