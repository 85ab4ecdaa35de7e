"""ProbedSource: a source to test, as it is sent to the process that opens it."""

from dataclasses import dataclass, replace
from typing import Self

from pydantic import TypeAdapter

from contracts.live_sources import DEFAULT_SIDE, LiveSource
from contracts.zones.turning import Turn, turned_zones
from contracts.zones.zone import Zones, masks_of
from ingest.picture_view import PictureView


@dataclass(frozen=True, slots=True)
class ProbedSource:
    """The source to probe, and how its pictures are read. rotate, mirror: as in AnalysisOptions.

    min_face_px: None: the setting. zones: masks are black in the picture, and faces outside of the
    zones are not counted. own_places: ports of this host that may be cameras, as HOST:PORT.
    """

    uri: str
    max_side: int = DEFAULT_SIDE
    rotate: int = 0
    mirror: bool = False
    zones: Zones = ()
    min_face_px: int | None = None
    own_places: tuple[str, ...] = ()

    @classmethod
    def of(cls, source: LiveSource, uri: str) -> Self:
        """Return a known source, to be probed at `uri`, which holds its credentials."""
        side = source.max_side or DEFAULT_SIDE
        return cls(uri, side, source.rotate, source.mirror, source.zones, source.min_face_px)

    @classmethod
    def of_json(cls, values: object) -> Self:
        """Return the source in decoded JSON of `asdict`. Raises ValueError."""
        return TypeAdapter(cls).validate_python(values)

    @property
    def turn(self) -> Turn:
        """How its picture is turned."""
        return Turn(self.rotate, self.mirror)

    def turned(self, turn: Turn) -> Self:
        """Return the source with its picture, and its zones, turned in another way."""
        zones = turned_zones(self.zones, self.turn, turn)
        return replace(self, rotate=turn.rotate, mirror=turn.mirror, zones=zones)

    @property
    def view(self) -> PictureView:
        """How its pictures are read."""
        return PictureView(self.rotate, self.mirror, masks_of(self.zones))
