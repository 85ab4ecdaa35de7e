"""The columns of every export: their order and the kind of value in each."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from contracts.expressions import EXPRESSIONS


class Kind(Enum):
    """The kind of a column's values; each file format has a representation of each kind."""

    TEXT = auto()
    COUNT = auto()
    MEDIA_TIME = auto()
    """Media time: integer microseconds in a record, seconds in a file."""
    MOMENT = auto()
    """Time: integer microseconds since 1970 in a record, a UTC time in a file."""
    PIXELS = auto()
    DEGREES = auto()
    SHARE = auto()
    """A number of 0..1: probability, confidence or quality."""


MARK: Final = "mark"
"""Why the face's track does not count; empty if it does."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. of_face: empty in the row of a frame without faces."""

    name: str
    kind: Kind
    of_face: bool = True


COLUMNS: Final = (
    Column("source", Kind.TEXT, of_face=False),
    Column("run_id", Kind.TEXT, of_face=False),
    Column("frame_index", Kind.COUNT, of_face=False),
    Column("media_time_s", Kind.MEDIA_TIME, of_face=False),
    Column("captured_at", Kind.MOMENT, of_face=False),
    Column("track_id", Kind.COUNT),
    *(Column(side, Kind.PIXELS) for side in ("x", "y", "w", "h")),
    Column("emotion", Kind.TEXT),
    Column("confidence", Kind.SHARE),
    *(Column(label, Kind.SHARE) for label in EXPRESSIONS),
    Column("smoothed_emotion", Kind.TEXT),
    Column("quality", Kind.SHARE),
    Column("model_version", Kind.TEXT, of_face=False),
    *(Column(angle, Kind.DEGREES) for angle in ("roll", "yaw", "pitch")),
    Column(MARK, Kind.TEXT),
    Column("zones", Kind.TEXT, of_face=False),
    Column("dwell_s", Kind.MEDIA_TIME, of_face=False),
    *(
        Column(option, Kind.COUNT, of_face=False)
        for option in ("rotate", "mirror", "min_face_px", "keep_static")
    ),
    Column("copy_of", Kind.TEXT, of_face=False),
    Column("eye_openness", Kind.SHARE),
    Column("mouth_openness", Kind.SHARE),
)

BLENDSHAPES: Final = "blendshapes"
"""The last column of Parquet files: 52 shares, or nothing where a run did not read landmarks."""
