"""FrameSource: the interface of a source: its description, its frames in order, its totals."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from contracts.frames import Counters


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """The description of a source, known before its frames are read.

    display_width, display_height: pixels after rotation and sample aspect ratio. duration_us,
    frames_claimed: from the header, which may be wrong; for progress only. creation_time: UTC.
    creation_is_end: whether the container's writer is known to write the end of the recording.
    rotation: clockwise degrees by which frames are turned upright.
    """

    display_width: int
    display_height: int
    duration_us: int | None
    frames_claimed: int | None
    creation_time: datetime | None
    creation_is_end: bool
    container: str
    codec: str
    rotation: int


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """One sampled frame, upright, as 8-bit full-range luma, row by row.

    frame_index: ordinal among all decoded frames, from 0. media_time_us: see ingest.timestamps.
    width, height: of `luma`. counters: up to and including this frame. cursor: the argument with
    which `FrameSource.frames` begins with this frame; empty if it cannot begin here. dwell_us: the
    time after it that the frame stands for: until the next sampled frame, without gaps. chroma: as
    in `ingest.luma.Luma`.
    """

    frame_index: int
    media_time_us: int
    luma: bytes
    width: int
    height: int
    counters: Counters
    cursor: str = ""
    dwell_us: int = 0
    chroma: bytes = b""


@dataclass(frozen=True, slots=True)
class SourceTotals:
    """The totals of a source at its end.

    frames_total: decoded frames. error: the reason why the source stopped early and what to do,
    in one line; empty if it was complete.
    """

    frames_total: int
    counters: Counters
    error: str = ""


class FrameSource(Protocol):
    """A source of frames. Raises SourceError if it cannot be opened or has no frame."""

    @property
    def info(self) -> SourceInfo: ...

    @property
    def totals(self) -> SourceTotals:
        """The totals of the last call of `frames`, once it is exhausted."""
        ...

    def frames(self, cursor: str = "") -> Iterator[SourceFrame]:
        """Yield the sampled frames from the one that carried `cursor`, or from the first."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
