"""Pacing of live frames: when to play each, and which to sample. The time is passed in."""

from dataclasses import dataclass
from typing import Final

from contracts.frames import LEAST_DWELL_LIMIT_US, MAX_DWELL_US

LATEST_S: Final = 1.0
EARLIEST_S: Final = 5.0
_MAX_PERIODS: Final = 1.5
_EARLY_PERIODS: Final = 0.25


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
    none arrived are not made up for. A frame that is early by a quarter of the period is taken if
    the next one is likely to be later than it is early: else a camera that is as fast as its
    sampling would lose every other frame to jitter.

    due_s: when the next frame is due. arrived_s: when the last one arrived.
    """

    fps: float | None
    due_s: float | None = None
    arrived_s: float | None = None

    def is_sampled(self, now_s: float) -> bool:
        """Return whether to take the frame that arrives now, and advance the schedule if so."""
        if self.fps is None:
            return True
        since_s = 0.0 if self.arrived_s is None else now_s - self.arrived_s
        self.arrived_s = now_s
        early_s = min(_EARLY_PERIODS / self.fps, since_s / 2)
        if self.due_s is not None and now_s < self.due_s - early_s:
            return False
        due_s = now_s if self.due_s is None else self.due_s
        self.due_s = max(due_s + 1 / self.fps, now_s)
        return True


def dwell_limit_us(fps: float | None) -> int:
    """Return the longest time before it that a live frame stands for, at this sampling.

    One and a half periods: frames arrive late, too. A longer time is an outage, or a camera that is
    slower than its sampling. See docs/decisions/0038.
    """
    if fps is None:
        return LEAST_DWELL_LIMIT_US
    return min(max(LEAST_DWELL_LIMIT_US, round(_MAX_PERIODS * 1e6 / fps)), MAX_DWELL_US)
