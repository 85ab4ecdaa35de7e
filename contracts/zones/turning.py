"""Zones of a picture that is turned or mirrored in another way than when they were drawn."""

from dataclasses import dataclass, replace
from typing import Final

from contracts.zones.polygons import Polygon
from contracts.zones.zone import Zones

_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Turn:
    """How a displayed picture is turned: `rotate` degrees clockwise, and then mirrored."""

    rotate: int = 0
    mirror: bool = False

    def apply(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the displayed picture is afterwards, in fractions."""
        for _ in range(self.rotate // 90):
            x, y = 1 - y, x
        return (1 - x if self.mirror else x), y

    def undo(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the turned picture was in the displayed one, in fractions."""
        return Turn(-self.rotate % 360).apply(1 - x if self.mirror else x, y)


NO_TURN: Final = Turn()


def turned_zones(zones: Zones, before: Turn, after: Turn) -> Zones:
    """Return the zones over the same things, for a picture that is now turned in another way."""
    if before == after:
        return zones
    return tuple(replace(zone, points=_turned(zone.points, before, after)) for zone in zones)


def _turned(points: Polygon, before: Turn, after: Turn) -> Polygon:
    moved = (after.apply(*before.undo(x, y)) for x, y in points)
    return tuple((round(x, _DIGITS), round(y, _DIGITS)) for x, y in moved)
