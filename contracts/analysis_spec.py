"""AnalysisSpec: the detector, model and options of a run, fixed when the run is created."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from functools import cache
from typing import Any, Self

from pydantic import TypeAdapter

from contracts.zones.turning import Turn
from contracts.zones.zone import Zones
from contracts.zones.zone_json import zones_of_json


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """The options that change the rows of a run.

    smoothing_s: time constant of the smoothing of a track. uncertain_below: confidence below which
    a face is uncertain; None: the model card's. min_face_px: shortest side of a face to detect,
    pixels of the source. max_frame_side: longest side of an analysed frame, pixels. rotate: degrees
    clockwise, 0, 90, 180 or 270, by which the displayed picture is turned; mirror: whether it is
    then mirrored left to right. zones: the parts of the picture that are read, left out or black.
    keep_static: count faces that are still as in a photo, because photos are what is analysed.
    window_s: width of the window around each moment from which a recording's track is read; 0: from
    the past only, by smoothing_s. landmarks: read the shape of each face, too. hold_s: a steady
    face is looked for and read again after this time, and keeps its reading until then; 0: it is
    read in every frame.
    """

    smoothing_s: float
    uncertain_below: float | None
    min_face_px: int
    max_frame_side: int
    rotate: int = 0
    mirror: bool = False
    zones: Zones = ()
    keep_static: bool = False
    window_s: float = 0.0
    landmarks: bool = False
    hold_s: float = 0.0

    @property
    def turn(self) -> Turn:
        """How the displayed picture is turned."""
        return Turn(self.rotate, self.mirror)

    def values(self) -> dict[str, Any]:
        """Return the options by name, without later ones at their default.

        Options that came with later versions have defaults. Where they are not set, the stored
        text and the identity of a run are those of the earlier versions.
        """
        values = asdict(self)
        return {
            one.name: values[one.name]
            for one in fields(self)
            if one.default is MISSING or getattr(self, one.name) != one.default
        }

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> Self:
        """Return the options of decoded JSON of `values`. Raises ValueError or TypeError."""
        return cls(**{**values, "zones": zones_of_json(values.get("zones", ()))})


@dataclass(frozen=True, slots=True)
class AnalysisSpec:
    """The analysis of a run. model_version: as `ModelCard.version` returns it."""

    detector: str
    model_version: str
    options: AnalysisOptions

    def encode(self) -> str:
        """Return one line of JSON."""
        return _codec().dump_json(self).decode()

    @staticmethod
    def decode(line: str) -> "AnalysisSpec":
        """Return the spec in a line of `encode`. Raises ValueError."""
        return _codec().validate_json(line)


@cache
def _codec() -> TypeAdapter[AnalysisSpec]:
    # Made when it is first used, as in few commands.
    return TypeAdapter(AnalysisSpec)
