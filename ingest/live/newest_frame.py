"""NewestFrame: hands the newest frame of a live source from its reader to its publisher."""

import threading
from dataclasses import dataclass
from datetime import datetime

from contracts.frames import Counters, DropCause
from ingest.luma import Luma


@dataclass(frozen=True, slots=True)
class LiveFrame:
    """A frame of a live source, as upright luma.

    number: ordinal among the captured frames, from 1. width, height: of `luma`. display_width,
    display_height: before it was scaled down. captured_at: UTC; captured_s: the same moment on the
    monotonic clock. counters: of the source, up to and including this frame. chroma: as in Luma.
    """

    number: int
    luma: bytes
    width: int
    height: int
    display_width: int
    display_height: int
    captured_at: datetime
    captured_s: float
    counters: Counters
    chroma: bytes = b""


class NewestFrame:
    """Keeps one frame, the newest, and counts all others. Threads may share it.

    A frame that is replaced before it was taken counts as dropped, cause `newest`.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: LiveFrame | None = None
        self._is_closed = False
        self._captured = self._sampled_out = self._replaced = self._corrupt = 0

    def offer(
        self, luma: Luma, display_size: tuple[int, int], captured_at: datetime, captured_s: float
    ) -> None:
        """Replace the frame by a newer one."""
        with self._changed:
            if self._is_closed:
                return
            self._captured += 1
            self._replaced += self._frame is not None
            self._frame = LiveFrame(
                number=self._captured,
                luma=luma.pixels,
                width=luma.width,
                height=luma.height,
                display_width=display_size[0],
                display_height=display_size[1],
                captured_at=captured_at,
                captured_s=captured_s,
                counters=self._counters(),
                chroma=luma.chroma,
            )
            self._changed.notify()

    def take(self, timeout_s: float) -> LiveFrame | None:
        """Return the newest frame that was not taken yet; None if there is none in that time."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None, timeout_s)
            frame, self._frame = self._frame, None
            return frame

    def note_sampled_out(self) -> None:
        """Count a captured frame that sampling left out."""
        with self._changed:
            if not self._is_closed:
                self._captured += 1
                self._sampled_out += 1

    def note_corrupt(self, packets: int) -> None:
        """Count packets that did not decode; they count as captured too."""
        with self._changed:
            if not self._is_closed:
                self._captured += packets
                self._corrupt += packets

    def counters(self) -> Counters:
        """Return the counts so far."""
        with self._changed:
            return self._counters()

    def close(self) -> None:
        """Drop the frame that was not taken. The counts no longer change."""
        with self._changed:
            self._is_closed = True
            self._replaced += self._frame is not None
            self._frame = None

    def _counters(self) -> Counters:
        dropped = {DropCause.NEWEST: self._replaced, DropCause.CORRUPT: self._corrupt}
        return Counters(
            self._captured,
            self._sampled_out,
            {str(cause): count for cause, count in dropped.items() if count},
        )
