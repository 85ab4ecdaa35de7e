"""What an ingestor asks of a source, whatever its kind."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from contracts.frames import Counters


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source says of itself. Sizes are display pixels; the rest are its claims."""

    display_width: int
    display_height: int
    duration_us: int | None
    frames_claimed: int | None
    creation_time: datetime | None


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """One sampled frame: full-range luma, upright, square pixels.

    counters: cumulative, up to and including this frame. cursor: where the source can be taken
    up so that this frame comes next; empty except at key frames.
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
    """What a source came to. error: what stopped it before its end, or empty."""

    frames_total: int
    counters: Counters = field(default_factory=Counters)
    error: str = ""


class FrameSource(Protocol):
    """A source that can be read from its start or from a cursor; a context manager."""

    @property
    def info(self) -> SourceInfo: ...

    @property
    def totals(self) -> Totals: ...

    def frames(self, cursor: str = "") -> Iterator[SourceFrame]: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
