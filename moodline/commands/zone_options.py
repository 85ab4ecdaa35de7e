"""Options for pictures and their zones: how commands and YAML files name them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from contracts.errors import ZoneError
from contracts.zones.picture_options import AS_IN_SETTINGS, PictureOptions
from contracts.zones.polygons import Polygon
from contracts.zones.turning import NO_TURN, Turn, turned_zones
from contracts.zones.zone import Zone, ZoneKind, checked_zones
from moodline.commands.options import QuarterTurn

SMALLEST_FACE: Final = 12
LARGEST_SMALLEST_FACE: Final = 512
MIN_FACE_HELP: Final = "Shortest side of a face to detect, pixels of the source."

_CORNERS_HINT: Final = "Write its corners as fractions of the picture: desk=0,0.5 0.4,0.5 0.4,1 0,1"
_FILE_HINT: Final = (
    "Use the keys include, exclude and mask, each with a list of zones {name, points}, and rotate, "
    "mirror, min_face and keep_static"
)
_KEYS: Final = ("rotate", "mirror", "min_face", "keep_static")
_TURNS: Final = (0, 90, 180, 270)
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

KeepStaticOption = Annotated[
    bool | None,
    typer.Option(
        "--keep-static/--no-keep-static",
        help="Count still faces, too: for recordings of photos, or of people who sleep.",
    ),
]


@dataclass(frozen=True, slots=True)
class ZonesFile:
    """A YAML file of zones. turn: of the picture that they are drawn on; None: it names none."""

    zones: Sequence[Zone] = ()
    turn: Turn | None = None
    min_face: int | None = None
    keep_static: bool | None = None


@dataclass(frozen=True, slots=True)
class ZoneOptions:
    """The options as given; None where one was not. clear: kinds of which all zones go."""

    mask: Sequence[str] | None = None
    include: Sequence[str] | None = None
    exclude: Sequence[str] | None = None
    file: Path | None = None
    min_face: int | None = None
    clear: Sequence[ZoneKind] = ()
    rotate: QuarterTurn | None = None
    mirror: bool | None = None
    keep_static: bool | None = None

    @property
    def names_zones(self) -> bool:
        """Whether any of them says something about zones."""
        kinds = (self.mask, self.include, self.exclude)
        return self.file is not None or bool(self.clear) or any(one is not None for one in kinds)

    def resolve(self, source: str, known: PictureOptions = AS_IN_SETTINGS) -> PictureOptions:
        """Return how the pictures are read.

        known: how those of the source are read now. A file replaces all of its zones, an option
        those of its kind; an option goes before the file. Zones stay where they are in the picture
        if it is turned in another way. source: the name for messages. Raises ZoneError.
        """
        file = ZonesFile() if self.file is None else read_zones_file(self.file)
        turn = self._turn(file.turn or known.turn)
        if self.file is None:
            zones = list(turned_zones(known.zones, known.turn, turn))
        else:
            zones = list(turned_zones(tuple(file.zones), file.turn or turn, turn))
        for kind in ZoneKind:
            texts: Sequence[str] | None = getattr(self, kind)
            if texts is not None or kind in self.clear:
                zones = [zone for zone in zones if zone.kind is not kind]
                zones += [zone_of_text(kind, text) for text in texts or ()]
        min_face = self.min_face
        if min_face is None:
            min_face = known.min_face_px if file.min_face is None else file.min_face
        keep_static = self.keep_static
        if keep_static is None:
            keep_static = known.keep_static if file.keep_static is None else file.keep_static
        return PictureOptions(turn, checked_zones(zones, source), min_face or None, keep_static)

    def _turn(self, before: Turn) -> Turn:
        return Turn(
            before.rotate if self.rotate is None else int(self.rotate),
            before.mirror if self.mirror is None else self.mirror,
        )


def zone_of_text(kind: ZoneKind, text: str) -> Zone:
    """Return the zone in `[NAME=]x,y x,y x,y ...`. Raises ZoneError."""
    match = _NAME_AND_CORNERS.fullmatch(text)
    assert match is not None
    try:
        corners = [tuple(float(part) for part in pair.split(",")) for pair in match[2].split()]
        return Zone(kind, match[1] or "", _polygon(corners))
    except ValueError as exc:
        raise ZoneError(f"invalid {kind} zone {text!r}", hint=_CORNERS_HINT) from exc


def read_zones_file(path: Path) -> ZonesFile:
    """Return what a YAML file of zones has. Raises ZoneError."""
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


def zones_yaml(pictures: PictureOptions) -> str:
    """Return how pictures are read as the text of a file for --zones."""
    import yaml

    turn, min_face, keep_static = pictures.turn, pictures.min_face_px, pictures.keep_static
    document: dict[str, Any] = {} if turn == NO_TURN else asdict(turn)
    document |= {} if min_face is None else {"min_face": min_face}
    document |= {} if keep_static is None else {"keep_static": keep_static}
    for kind in ZoneKind:
        of_kind = [zone for zone in pictures.zones if zone.kind is kind]
        if of_kind:
            document[str(kind)] = [
                {"name": zone.name, "points": [list(point) for point in zone.points]}
                for zone in of_kind
            ]
    return str(yaml.safe_dump(document, sort_keys=False, default_flow_style=None))


def _zones_of(document: object) -> ZonesFile:
    """Return what the file has. Raises TypeError or ValueError."""
    if not isinstance(document, Mapping):
        raise TypeError("it has no keys")
    unknown = sorted(set(map(str, document)) - {*map(str, ZoneKind), *_KEYS})
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}")
    min_face = document.get("min_face")
    if min_face is not None and not (
        type(min_face) is int and SMALLEST_FACE <= min_face <= LARGEST_SMALLEST_FACE
    ):
        raise ValueError(f"min_face is not one of {SMALLEST_FACE} to {LARGEST_SMALLEST_FACE}")
    keep_static = document.get("keep_static")
    if keep_static is not None and type(keep_static) is not bool:
        raise ValueError("keep_static is not true or false")
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
    return ZonesFile(zones, _turn_of(document), min_face, keep_static)


def _turn_of(document: Mapping[object, Any]) -> Turn | None:
    """Return how the picture is turned; None if the file has no word of it. Raises ValueError."""
    if not {"rotate", "mirror"} & set(document):
        return None
    rotate, mirror = document.get("rotate", 0), document.get("mirror", False)
    if type(rotate) is not int or rotate not in _TURNS:
        raise ValueError("rotate is not 0, 90, 180 or 270")
    if type(mirror) is not bool:
        raise ValueError("mirror is not true or false")
    return Turn(rotate, mirror)


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
