"""The columns of every export: their order, and what kind of value each holds."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from contracts.expressions import EXPRESSIONS


class Kind(Enum):
    """What a column holds; each file format knows how to write each kind."""

    TEXT = auto()
    COUNT = auto()
    MEDIA_TIME = auto()
    """Integer microseconds of media time in the records, seconds in a file."""
    MOMENT = auto()
    """Integer microseconds since 1970 UTC in the records, a UTC time in a file."""
    PIXELS = auto()
    SHARE = auto()
    """0..1: probabilities, confidence, quality."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Those of the face are empty in the row of a frame without faces."""

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
)
