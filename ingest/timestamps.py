"""Media time: a frame's presentation timestamp minus the start of its stream, in microseconds.

The start is the earliest presentation timestamp of the packets up to the first frame's, whether
they decode or not. Packets that an edit list trims do not count. So the first shown frame is at 0
even if its stream starts late in the container, and a damaged first packet does not move the
frames after it.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import Final, TypeVar

_Item = TypeVar("_Item")

MAX_STEP_BACK_US: Final = 1_000_000
_MICROS: Final = 1_000_000
_LONGEST_WRAPPED_US: Final = 3600 * _MICROS
"""Longest gap in which a clock is taken to have wrapped, and not to have started again."""
_MOST_STRAYS: Final = 3
"""Frames in a row with a stray timestamp; if there are more, the clock was set."""


def nearest(value: Fraction) -> int:
    """Return the integer nearest to `value`; halves are rounded up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


@dataclass(frozen=True, slots=True)
class MediaClock:
    """Converts the timestamps of a stream's frames, in presentation order, to media times.

    Media times never decrease, as the gaps between frames become dwell times. A timestamp that
    steps back by up to a second belongs to a frame out of order: the frame gets its predecessor's
    time. After a larger step back (joined recordings, a reset camera clock) all timestamps are
    shifted so that the frame follows its predecessor by one nominal frame. A frame without a
    timestamp follows its predecessor by one nominal frame.

    time_base: seconds per tick. start: ticks. frame_us: nominal duration of a frame. wrap: ticks
    after which the timestamps begin at 0 again; 0 if they do not. last_us: media time of the
    previous frame, None before the first. stamped_us: media time of the last frame with a
    timestamp. unstamped: frames since then, counted so that rounding does not add up.
    """

    time_base: Fraction
    start: int
    frame_us: Fraction
    wrap: int = 0
    shift_us: int = 0
    last_us: int | None = None
    unstamped: int = 0
    stamped_us: int = 0

    def next(self, stamp: int | None) -> "MediaClock":
        """Return the clock at the next frame, whose media time is its `last_us`.

        stamp: the frame's timestamp in ticks, None if it has none.
        """
        if stamp is None:
            return self._without_stamp()
        us = nearest((stamp - self.start) * self.time_base * _MICROS) + self.shift_us
        shift_us, last_us = self.shift_us, self.last_us
        if last_us is None:
            us = max(us, 0)
        elif us < last_us - MAX_STEP_BACK_US:
            wrapped_us = us + nearest(self.wrap * self.time_base * _MICROS)
            if self.wrap and abs(wrapped_us - last_us) <= _LONGEST_WRAPPED_US:
                follow_us = wrapped_us
            else:
                follow_us = last_us + nearest(self.frame_us)
            shift_us += follow_us - us
            us = max(follow_us, last_us)
        elif us < last_us:
            us = last_us
        return replace(self, shift_us=shift_us, last_us=us, unstamped=0, stamped_us=us)

    def _without_stamp(self) -> "MediaClock":
        if self.last_us is None:
            return replace(self, last_us=0)
        count = self.unstamped + 1
        us = self.stamped_us + nearest(count * self.frame_us)
        return replace(self, last_us=us, unstamped=count)


def without_strays(
    items: Iterator[tuple[_Item, int | None]], most: int
) -> Iterator[tuple[_Item, int | None]]:
    """Yield items with their timestamps in ticks, and None instead of a stray timestamp.

    Some recorders give a frame now and then a time that is hours off, and go on as before. Up to
    three timestamps in a row are stray if they are more than `most` ticks away from the one before
    them, and the next one is at most `most` after it. The first timestamp is never stray.
    """
    ahead: deque[tuple[_Item, int | None]] = deque()
    last: int | None = None
    while ahead or (ahead := deque(islice(items, 1))):
        stamp = ahead[0][1]
        if stamp is not None and last is not None and abs(stamp - last) > most:
            ahead.extend(islice(items, _MOST_STRAYS + 1 - len(ahead)))
            for _ in range(_place_between([one for _, one in ahead], last, last + most)):
                yield ahead.popleft()[0], None
        item, stamp = ahead.popleft()
        last = last if stamp is None else stamp
        yield item, stamp


def _place_between(stamps: list[int | None], first: int, last: int) -> int:
    """Return the place of the first timestamp from `first` to `last`; 0 if there is none."""
    places = (n for n, one in enumerate(stamps) if one is not None and first <= one <= last)
    return next(places, 0)
