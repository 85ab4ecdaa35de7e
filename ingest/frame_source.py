"""What every source of frames gives: its description, its frames in order, its totals."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from contracts.frames import Counters


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source says of itself before its frames are read.

    display_width, display_height: pixels after rotation and sample aspect. duration_us,
    frames_claimed: the header's word, for a progress bar only. creation_time: UTC.
    rotation: degrees clockwise that were applied to make the picture upright.
    """

    display_width: int
    display_height: int
    duration_us: int | None
    frames_claimed: int | None
    creation_time: datetime | None
    container: str
    codec: str
    rotation: int


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """One sampled frame, upright, as 8-bit full-range luma, row by row.

    frame_index: ordinal among all decoded frames, from 0. media_time_us: see
    ingest.timestamps. counters: up to and including this frame. cursor: give it to `frames`
    and this frame comes first; empty where the source cannot be taken up again.
    """

    frame_index: int
    media_time_us: int
    luma: bytes
    width: int
    height: int
    counters: Counters
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """What a source had yielded when it ended.

    frames_total: frames that a full decode yields. error: empty, or one line on why the
    source stopped before its end, and what to do.
    """

    frames_total: int
    counters: Counters
    error: str = ""


class FrameSource(Protocol):
    """A source of frames. Raises SourceError where it cannot be opened or has no frame."""

    @property
    def info(self) -> SourceInfo: ...

    @property
    def totals(self) -> Totals:
        """The totals of the last `frames`, once that is exhausted."""
        ...

    def frames(self, cursor: str = "") -> Iterator[SourceFrame]:
        """The sampled frames from the one that carried `cursor`, or from the first."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
