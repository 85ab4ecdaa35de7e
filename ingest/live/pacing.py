"""Pacing of live frames: when to play each, and which to sample. The time is passed in."""

from dataclasses import dataclass
from typing import Final

LATEST_S: Final = 1.0
EARLIEST_S: Final = 5.0


@dataclass(slots=True)
class Playback:
    """Plays frames at the pace of their media times, beginning with the first frame.

    A frame that is more than LATEST_S late, as after a network fault, is played at once and sets
    the pace from then on, so that no burst follows. The same happens if the media times jump ahead
    by more than EARLIEST_S, as such a long wait would look like a stall.
    """

    anchor_s: float | None = None

    def wait_s(self, media_s: float, now_s: float) -> float:
        """Return the seconds to wait before playing the frame."""
        if self.anchor_s is None:
            self.anchor_s = now_s - media_s
        early_s = self.anchor_s + media_s - now_s
        if not -LATEST_S <= early_s <= EARLIEST_S:
            self.anchor_s, early_s = now_s - media_s, 0.0
        return max(early_s, 0.0)


@dataclass(slots=True)
class LiveSampling:
    """Samples at most `fps` frames a second; None: every frame.

    It follows a schedule, so a late frame does not delay the later ones. Frames that were due while
    none arrived are not made up for.
    """

    fps: float | None
    due_s: float | None = None

    def is_sampled(self, now_s: float) -> bool:
        """Return whether to take the frame that arrives now, and advance the schedule if so."""
        if self.fps is None:
            return True
        if self.due_s is not None and now_s < self.due_s:
            return False
        due_s = now_s if self.due_s is None else self.due_s
        self.due_s = max(due_s + 1 / self.fps, now_s)
        return True
