"""Pictures: rotation, zones and faces of an entry, in a document and in the records."""

from typing import Any

from contracts.zones.picture_options import PictureOptions
from contracts.zones.turning import Turn, turned_zones
from contracts.zones.zone import Zone, ZoneKind, Zones, checked_zones
from moodline.as_code.document import Pictures, ZonesByKind
from moodline.as_code.entries import Fields, FieldValue


def picture_options(entry: Pictures, name: str, known: PictureOptions | None) -> PictureOptions:
    """Return how pictures are read. Zones that the entry does not name stay those of `known`.

    Raises ZoneError.
    """
    turn = Turn(entry.rotate, entry.mirror)
    if entry.zones is not None:
        zones = checked_zones(_zones_of(entry.zones), name)
    else:
        zones = () if known is None else turned_zones(known.zones, known.turn, turn)
    return PictureOptions(turn, zones, entry.min_face, entry.keep_static)


def picture_fields(pictures: PictureOptions) -> Fields:
    """Return the fields to compare."""
    zones = tuple(pictures.zones)
    return {
        "rotate": FieldValue.plain(pictures.turn.rotate),
        "mirror": FieldValue.plain(pictures.turn.mirror),
        "zones": FieldValue(zones, _zones_text(zones)),
        "min_face": FieldValue.plain(pictures.min_face_px),
        "keep_static": FieldValue.plain(pictures.keep_static),
    }


def picture_entry(pictures: PictureOptions) -> dict[str, Any]:
    """Return the keys of an entry that say the same, without those that have their default."""
    entry: dict[str, Any] = {}
    if pictures.turn.rotate:
        entry["rotate"] = pictures.turn.rotate
    if pictures.turn.mirror:
        entry["mirror"] = True
    if pictures.zones:
        entry["zones"] = {
            str(kind): [
                {"name": zone.name, "points": [list(point) for point in zone.points]}
                for zone in pictures.zones
                if zone.kind is kind
            ]
            for kind in ZoneKind
            if any(zone.kind is kind for zone in pictures.zones)
        }
    if pictures.min_face_px is not None:
        entry["min_face"] = pictures.min_face_px
    if pictures.keep_static is not None:
        entry["keep_static"] = pictures.keep_static
    return entry


def _zones_of(zones: ZonesByKind) -> list[Zone]:
    return [
        Zone(kind, shape.name, tuple((float(x), float(y)) for x, y in shape.points))
        for kind in ZoneKind
        for shape in getattr(zones, str(kind))
    ]


def _zones_text(zones: Zones) -> str:
    """Return the kinds and names of zones; corners are many numbers."""
    return ", ".join(f"{zone.kind} {zone.name}" for zone in zones)
