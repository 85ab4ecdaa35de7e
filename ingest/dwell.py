"""Dwell: the time that a sampled frame of a recording stands for. See docs/decisions/0038."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from contracts.frames import LEAST_DWELL_LIMIT_US, MAX_DWELL_US
from ingest.timestamps import nearest

_MAX_PACES: Final = Fraction(3, 2)


@dataclass(slots=True)
class Dwell:
    """The dwell of a sampled frame while the frames after it are decoded, until the next sample.

    Between two decoded frames the earlier one is shown, for one and a half times their usual
    distance at most, or for a second if that is more: what is longer is a gap of the recording.
    Frames that are dropped are not noted, so a long loss is a gap too.

    pace_us: the usual distance of the recording's frames. reached_us: media time of the frame that
    was noted last. us: the dwell up to then.
    """

    pace_us: Fraction
    reached_us: int
    us: int = 0

    def note(self, media_time_us: int) -> None:
        """Note that the next frame, sampled or not, is shown from this time on."""
        self._add(media_time_us - self.reached_us)
        self.reached_us = media_time_us

    def end(self, own_us: int, duration_us: int) -> None:
        """Note the end of the recording.

        own_us: how long its last frame claims to be shown. duration_us: of the recording, as its
        header has it, or 0; one that is over already is wrong.
        """
        # Some containers give frames no duration, or that of a tick.
        shown_us = own_us if 2 * own_us > self.pace_us else nearest(self.pace_us)
        left_us = duration_us - self.reached_us
        self._add(min(shown_us, left_us) if left_us > 0 else shown_us)

    def _add(self, shown_us: int) -> None:
        most_us = max(LEAST_DWELL_LIMIT_US, nearest(_MAX_PACES * self.pace_us))
        self.us = min(self.us + min(max(shown_us, 0), most_us), MAX_DWELL_US)
