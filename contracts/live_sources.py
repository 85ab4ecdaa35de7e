"""A live source: its settings as stored, and the states that it can be in."""

from dataclasses import dataclass
from enum import StrEnum


class LiveState(StrEnum):
    """What a live source does; each state has a reason, except streaming.

    stalled: connected, and no picture comes. failed: it refuses us, and asking again and again
    would lock the camera; or it is not there at all.
    """

    CONNECTING = "connecting"
    STREAMING = "streaming"
    STALLED = "stalled"
    BACKING_OFF = "backing_off"
    PAUSED = "paused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LiveSource:
    """One live source, as its row says. uri: as stored, perhaps sealed; shown_uri: for people."""

    pk: int
    name: str
    uri: str
    shown_uri: str
    host: str | None
    sampling_fps: float | None
    max_side: int | None
    tags: tuple[str, ...]
    looped: bool
    paused: bool
    revision: int
