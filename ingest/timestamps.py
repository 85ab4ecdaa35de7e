"""Media time: a frame's presentation timestamp minus its stream's start, in microseconds.

The stream's start is the earliest presentation timestamp among the packets up to that of the
first frame, whether or not they decode; packets that an edit list trims do not count. So the
first presented frame is at 0, in a stream that begins late in its container too, and a
damaged first packet does not move the frames after it.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

MAX_STEP_BACK_US: Final = 1_000_000
_MICROS: Final = 1_000_000


def nearest(value: Fraction) -> int:
    """The integer nearest to `value`; halves go up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


@dataclass(frozen=True, slots=True)
class Clock:
    """Turns the timestamps of one stream's frames, in presentation order, into media times.

    Times never decrease, because gaps between frames are dwell times downstream. A stamp that
    steps back by up to a second is a frame out of place: it gets its predecessor's time. One
    that steps back further is a new beginning (joined recordings, a camera's clock reset):
    from there all stamps are shifted so that the frame follows its predecessor by one
    nominal frame. A frame without a stamp follows its predecessor by one nominal frame.

    time_base: seconds a tick. start: ticks. frame_us: nominal frame duration. last_us: the
    predecessor's media time, None before the first frame. unstamped: frames without a stamp
    since the last one that had one, so that their rounding does not add up.
    """

    time_base: Fraction
    start: int
    frame_us: Fraction
    shift_us: int = 0
    last_us: int | None = None
    unstamped: int = 0
    stamped_us: int = 0

    def next(self, stamp: int | None) -> "Clock":
        """The clock at the next frame; its `last_us` is that frame's media time."""
        if stamp is None:
            return self._without_stamp()
        us = nearest((stamp - self.start) * self.time_base * _MICROS) + self.shift_us
        shift_us, last_us = self.shift_us, self.last_us
        if last_us is None:
            us = max(us, 0)
        elif us < last_us - MAX_STEP_BACK_US:
            follow_us = last_us + nearest(self.frame_us)
            shift_us += follow_us - us
            us = follow_us
        elif us < last_us:
            us = last_us
        return replace(self, shift_us=shift_us, last_us=us, unstamped=0, stamped_us=us)

    def _without_stamp(self) -> "Clock":
        if self.last_us is None:
            return replace(self, last_us=0)
        count = self.unstamped + 1
        us = self.stamped_us + nearest(count * self.frame_us)
        return replace(self, last_us=us, unstamped=count)
