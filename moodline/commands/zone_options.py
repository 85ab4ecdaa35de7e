"""Options for zones: how commands and YAML files name them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from contracts.errors import ZoneError
from contracts.zones.polygons import Polygon
from contracts.zones.zone import Zone, ZoneKind, Zones, checked_zones

SMALLEST_FACE: Final = 12
LARGEST_SMALLEST_FACE: Final = 512
MIN_FACE_HELP: Final = "Shortest side of a face to detect, pixels of the source."

_CORNERS_HINT: Final = "Write its corners as fractions of the picture: desk=0,0.5 0.4,0.5 0.4,1 0,1"
_FILE_HINT: Final = (
    "Use the keys include, exclude and mask, each with a list of zones {name, points}, and min_face"
)
_LARGEST_FILE: Final = 2**20
_NAME_AND_CORNERS: Final = re.compile(r"(?:([^=]*)=)?(.*)", re.DOTALL)

MaskOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mask",
        metavar="ZONE",
        help="Privacy mask: black before anything is read or shown. A zone is [NAME=]x,y x,y x,y "
        "..., in fractions of the picture; can be repeated.",
    ),
]
IncludeOption = Annotated[
    list[str] | None,
    typer.Option("--include", metavar="ZONE", help="Only count faces here; can be repeated."),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="ZONE", help="Count no faces here; can be repeated."),
]
ZonesFileOption = Annotated[
    Path | None,
    typer.Option(
        "--zones", help="YAML file of zones, as `moodline source zones` prints it; replaces all."
    ),
]
MinFaceOption = Annotated[
    int | None,
    typer.Option(
        "--min-face",
        min=SMALLEST_FACE,
        max=LARGEST_SMALLEST_FACE,
        help=MIN_FACE_HELP,
    ),
]


@dataclass(frozen=True, slots=True)
class ZoneOptions:
    """The options as given; None where one was not. clear: kinds of which all zones go."""

    mask: Sequence[str] | None = None
    include: Sequence[str] | None = None
    exclude: Sequence[str] | None = None
    file: Path | None = None
    min_face: int | None = None
    clear: Sequence[ZoneKind] = ()

    @property
    def names_zones(self) -> bool:
        """Whether any of them says something about zones."""
        kinds = (self.mask, self.include, self.exclude)
        return self.file is not None or bool(self.clear) or any(one is not None for one in kinds)

    def resolve(self, source: str, known: Zones = ()) -> tuple[Zones, int | None]:
        """Return the zones, and the smallest face or None.

        known: the zones of the source now. A file replaces all of them, an option those of its
        kind. source: the name for messages. Raises ZoneError.
        """
        zones, min_face = list(known), self.min_face
        if self.file is not None:
            zones, from_file = read_zones_file(self.file)
            min_face = from_file if min_face is None else min_face
        for kind in ZoneKind:
            texts: Sequence[str] | None = getattr(self, kind)
            if texts is not None or kind in self.clear:
                zones = [zone for zone in zones if zone.kind is not kind]
                zones += [zone_of_text(kind, text) for text in texts or ()]
        return checked_zones(zones, source), min_face


def zone_of_text(kind: ZoneKind, text: str) -> Zone:
    """Return the zone in `[NAME=]x,y x,y x,y ...`. Raises ZoneError."""
    match = _NAME_AND_CORNERS.fullmatch(text)
    assert match is not None
    try:
        corners = [tuple(float(part) for part in pair.split(",")) for pair in match[2].split()]
        return Zone(kind, match[1] or "", _polygon(corners))
    except ValueError as exc:
        raise ZoneError(f"invalid {kind} zone {text!r}", hint=_CORNERS_HINT) from exc


def read_zones_file(path: Path) -> tuple[list[Zone], int | None]:
    """Return the zones and the smallest face in a YAML file. Raises ZoneError."""
    import yaml

    try:
        with path.open("rb") as file:
            document = yaml.safe_load(file.read(_LARGEST_FILE))
        return _zones_of(document)
    except OSError as exc:
        raise ZoneError(f"cannot read {path}: {exc.strerror}", hint="Check the path") from exc
    except yaml.YAMLError as exc:
        raise ZoneError(f"{path} is not valid YAML: {' '.join(str(exc).split())}") from exc
    except (TypeError, ValueError) as exc:
        raise ZoneError(f"{path} does not describe zones: {exc}", hint=_FILE_HINT) from exc


def zones_yaml(zones: Zones, min_face: int | None) -> str:
    """Return the zones as the text of a file for --zones."""
    import yaml

    document: dict[str, Any] = {} if min_face is None else {"min_face": min_face}
    for kind in ZoneKind:
        of_kind = [zone for zone in zones if zone.kind is kind]
        if of_kind:
            document[str(kind)] = [
                {"name": zone.name, "points": [list(point) for point in zone.points]}
                for zone in of_kind
            ]
    return str(yaml.safe_dump(document, sort_keys=False, default_flow_style=None))


def _zones_of(document: object) -> tuple[list[Zone], int | None]:
    """Return the zones and the smallest face. Raises TypeError or ValueError."""
    if not isinstance(document, Mapping):
        raise TypeError("it has no keys")
    unknown = sorted(set(map(str, document)) - {*map(str, ZoneKind), "min_face"})
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}")
    min_face = document.get("min_face")
    if min_face is not None and not (
        type(min_face) is int and SMALLEST_FACE <= min_face <= LARGEST_SMALLEST_FACE
    ):
        raise ValueError(f"min_face is not one of {SMALLEST_FACE} to {LARGEST_SMALLEST_FACE}")
    zones = []
    for kind in ZoneKind:
        listed = document.get(str(kind)) or []
        if not isinstance(listed, list):
            raise TypeError(f"{kind} is not a list")
        for one in listed:
            if not isinstance(one, Mapping) or set(one) - {"name", "points"}:
                raise ValueError(f"a zone of {kind} is not {{name, points}}")
            name = "" if one.get("name") is None else str(one["name"])
            zones.append(Zone(kind, name, _polygon(one.get("points"))))
    return zones, min_face


def _polygon(corners: object) -> Polygon:
    """Return pairs of numbers as a polygon. Raises TypeError or ValueError."""
    if not isinstance(corners, list):
        raise TypeError("points is not a list")
    polygon = []
    for corner in corners:
        if not isinstance(corner, (list, tuple)) or len(corner) != 2:
            raise ValueError(f"{corner!r} is not a corner [x, y]")
        polygon.append((float(corner[0]), float(corner[1])))
    return tuple(polygon)
