"""Zone: a polygon on a source's picture, and what it is for.

Corners are fractions of the upright picture as it is displayed, after any turning and mirroring:
another resolution of the camera keeps them. A face belongs to a zone if its box's centre does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from contracts.errors import ZoneError
from contracts.zones.polygons import Polygon, area, contains, crosses_itself, without_repeats

MAX_ZONES: Final = 20
MAX_CORNERS: Final = 40
MAX_NAME_LENGTH: Final = 40
_MIN_CORNERS: Final = 3
_MIN_AREA: Final = 1e-6
_LAST: Final = 1 - 1e-9
"""The largest coordinate inside the picture: its right and lower edge belong to it."""


class ZoneKind(StrEnum):
    """The purpose of a zone. Stored.

    include: faces outside of all such zones are left out. exclude: faces in it are left out.
    mask: its pixels are black before anything is read or shown.
    """

    INCLUDE = "include"
    EXCLUDE = "exclude"
    MASK = "mask"


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone of a source. name: unique among its zones. points: its corners, in order."""

    kind: ZoneKind
    name: str
    points: Polygon


Zones = tuple[Zone, ...]


def checked_zones(zones: Iterable[Zone], source: str) -> Zones:
    """Return the zones with names for those without one, and corners on the grid.

    source: the name for messages. Raises ZoneError, which names the source and the zone.
    """
    given, checked = list(zones), list[Zone]()
    if len(given) > MAX_ZONES:
        raise ZoneError(
            f"{source} has {len(given)} zones", hint=f"Use at most {MAX_ZONES} for one source"
        )
    for zone in given:
        name = " ".join(zone.name.split()) or _free_name(zone.kind, checked)
        checked.append(_checked(replace(zone, name=name), source))
    names = [zone.name for zone in checked]
    for name in names:
        if names.count(name) > 1:
            raise ZoneError(f"{source} has two zones named {name}", hint="Give each its own name")
    return tuple(checked)


def masks_of(zones: Iterable[Zone]) -> tuple[Polygon, ...]:
    """Return the polygons that are to be black."""
    return tuple(zone.points for zone in zones if zone.kind is ZoneKind.MASK)


def admits(zones: Sequence[Zone], x: float, y: float) -> bool:
    """Return whether a face with its centre at (x, y), in fractions, counts. True without zones."""
    x, y = min(max(x, 0.0), _LAST), min(max(y, 0.0), _LAST)
    included = [zone for zone in zones if zone.kind is ZoneKind.INCLUDE]
    if included and not any(contains(zone.points, x, y) for zone in included):
        return False
    left_out = (zone for zone in zones if zone.kind is not ZoneKind.INCLUDE)
    return not any(contains(zone.points, x, y) for zone in left_out)


def zones_text(zones: Iterable[Zone]) -> str:
    """Return the kinds and names in one line, as in `include hall; mask desk, window`."""
    names: dict[ZoneKind, list[str]] = {}
    for zone in zones:
        names.setdefault(zone.kind, []).append(zone.name)
    return "; ".join(f"{kind} {', '.join(names[kind])}" for kind in ZoneKind if kind in names)


def _checked(zone: Zone, source: str) -> Zone:
    """Return the zone with its corners on the grid. Raises ZoneError if it is not valid."""
    what = f"zone {zone.name} ({zone.kind}) of {source}"
    if len(zone.name) > MAX_NAME_LENGTH or not zone.name.isprintable():
        raise ZoneError(
            f"invalid zone name {zone.name!r} of {source}",
            hint=f"Use 1 to {MAX_NAME_LENGTH} printable characters",
        )
    for x, y in zone.points:
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise ZoneError(
                f"{what} is outside of the picture: the corner {x:g},{y:g}",
                hint="Give fractions of its width and height, from 0 to 1",
            )
    points = without_repeats(zone.points)
    if len(points) > MAX_CORNERS:
        raise ZoneError(f"{what} has {len(points)} corners", hint=f"Use at most {MAX_CORNERS}")
    if crosses_itself(points):
        raise ZoneError(
            f"the edges of {what} cross each other",
            hint="Give the corners in order around the zone, or make two zones of it",
        )
    if len(points) < _MIN_CORNERS or area(points) < _MIN_AREA:
        raise ZoneError(
            f"{what} has no area", hint=f"Give at least {_MIN_CORNERS} corners, not in one line"
        )
    return replace(zone, points=points)


def _free_name(kind: ZoneKind, taken: Iterable[Zone]) -> str:
    """Return the first of `mask 1`, `mask 2`, ... that no zone has."""
    names = {zone.name for zone in taken}
    return next(name for name in (f"{kind} {n}" for n in range(1, 10_000)) if name not in names)
