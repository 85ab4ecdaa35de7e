"""LiveSource: a camera or stream as configured, and the states that it can be in."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.zones.picture_options import PictureOptions
from contracts.zones.turning import Turn
from contracts.zones.zone import Zones


class LiveState(StrEnum):
    """The state of a live source. Stored. All but `connecting` and `streaming` have a reason.

    connecting: opening the source. streaming: frames arrive and are analysed. stalled: connected,
    but no frame arrives, or none of them is analysed. backing_off: waiting before the next attempt.
    paused: by a user, or after the end of a file. failed: the source refuses the credentials, where
    more attempts could lock the account, or its configuration is wrong.
    """

    CONNECTING = "connecting"
    STREAMING = "streaming"
    STALLED = "stalled"
    BACKING_OFF = "backing_off"
    PAUSED = "paused"
    FAILED = "failed"


class Transport(StrEnum):
    """How the video of an RTSP source comes. In its address, UDP is #transport=udp at the end."""

    TCP = "tcp"
    UDP = "udp"


DEFAULT_SIDE: Final = 720
"""Longest side of an analysed frame of a source that was not given one, pixels."""
UNANALYZED_S: Final = 15.0
"""Seconds without the analysis of a frame after which a source counts as stalled."""
UNANALYZED: Final = "frames arrive, but none is analysed. `moodline status` shows the workers"


@dataclass(frozen=True, slots=True)
class LiveSource:
    """One live source.

    uri: as stored, with sealed credentials if it has any. shown_uri: the URI without credentials.
    host: name of the host that must read it; None: any. sampling_fps: analysed frames a second;
    None: the default. max_side: longest side of an analysed frame, pixels; None: the setting.
    looped: play a file again when it ends. revision: increased on every change of the source.
    rotate, mirror, zones, keep_static: as in AnalysisOptions. min_face_px, keep_static: None: the
    setting.
    """

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
    rotate: int = 0
    mirror: bool = False
    zones: Zones = ()
    min_face_px: int | None = None
    keep_static: bool | None = None

    @property
    def turn(self) -> Turn:
        """How its displayed picture is turned."""
        return Turn(self.rotate, self.mirror)

    @property
    def pictures(self) -> PictureOptions:
        """How its pictures are read."""
        return PictureOptions(self.turn, self.zones, self.min_face_px, self.keep_static)
