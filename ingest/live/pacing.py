"""When a picture is due, and which are taken. Pure: the time is passed in."""

from dataclasses import dataclass
from typing import Final

LATEST_S: Final = 1.0
EARLIEST_S: Final = 5.0


@dataclass(slots=True)
class Playback:
    """Plays pictures at the pace of their media times, from the first one's arrival on.

    What is over a second late, as after a network's hiccup, is played at that pace from then on:
    neither in a burst nor ahead of what follows. The same where the times jump by more than five
    seconds, for a picture that waits so long would pass for a stall.
    """

    anchor_s: float | None = None

    def wait_s(self, media_s: float, now_s: float) -> float:
        """How long the picture is to wait."""
        if self.anchor_s is None:
            self.anchor_s = now_s - media_s
        early_s = self.anchor_s + media_s - now_s
        if not -LATEST_S <= early_s <= EARLIEST_S:
            self.anchor_s, early_s = now_s - media_s, 0.0
        return max(early_s, 0.0)


@dataclass(slots=True)
class Sampling:
    """Takes `fps` pictures a second at most; None: every one.

    By a schedule, not by a least gap: a picture that comes late moves no later one. What was due
    in a silence is not made up for.
    """

    fps: float | None
    due_s: float | None = None

    def takes(self, now_s: float) -> bool:
        """Whether the picture that comes now is taken."""
        if self.fps is None:
            return True
        if self.due_s is not None and now_s < self.due_s:
            return False
        due_s = now_s if self.due_s is None else self.due_s
        self.due_s = max(due_s + 1 / self.fps, now_s)
        return True
