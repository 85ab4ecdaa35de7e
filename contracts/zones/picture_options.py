"""PictureOptions: how the pictures of a source, or of one analysis, are read."""

from dataclasses import dataclass
from typing import Final

from contracts.zones.turning import NO_TURN, Turn
from contracts.zones.zone import Zones


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """How pictures are turned, and which faces in them count.

    turn: of the displayed picture. zones: checked, on the turned picture. min_face_px: shortest
    side of a face to detect. keep_static: count faces that are still as in a photo. None: as the
    settings say.
    """

    turn: Turn = NO_TURN
    zones: Zones = ()
    min_face_px: int | None = None
    keep_static: bool | None = None


AS_IN_SETTINGS: Final = PictureOptions()
