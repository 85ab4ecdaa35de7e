"""The fields of requests that say how pictures are read."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from contracts.zones.picture_options import PictureOptions
from contracts.zones.polygons import Point
from contracts.zones.turning import Turn
from contracts.zones.zone import Zone, ZoneKind, checked_zones

SmallestFace = Annotated[int, Field(ge=12, le=512)]
_Corners = Annotated[tuple[Point, ...], Field(max_length=500)]
"""`checked_zones` has narrower limits, and clear messages."""


class TurnFields(BaseModel):
    """How a displayed picture is turned: degrees clockwise, and then mirrored left to right."""

    rotate: Literal[0, 90, 180, 270] = 0
    mirror: bool = False

    @property
    def turn(self) -> Turn:
        return Turn(self.rotate, self.mirror)


class ZoneFields(BaseModel):
    """One zone, as drawn."""

    kind: ZoneKind
    name: Annotated[str, Field(max_length=200)] = ""
    points: _Corners

    def zone(self) -> Zone:
        """Return the zone, unchecked."""
        return Zone(self.kind, self.name, self.points)


ZoneList = Annotated[list[ZoneFields], Field(max_length=100)]


class PictureFields(TurnFields):
    """How the pictures of new recordings are read, as in PictureOptions."""

    zones: ZoneList = []
    min_face_px: SmallestFace | None = None
    keep_static: bool | None = None

    def pictures(self) -> PictureOptions:
        """Return the options. Raises ZoneError if a zone is not valid."""
        zones = checked_zones((one.zone() for one in self.zones), "these recordings")
        return PictureOptions(self.turn, zones, self.min_face_px, self.keep_static)
