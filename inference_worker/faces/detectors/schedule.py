"""SearchSchedule: how often a detector searches whole frames, and for faces of which size.

Searching a whole frame costs as much as following many faces in small windows, and the ratio is
another with each detector.
"""

from dataclasses import dataclass
from typing import Final

_QUICK_US: Final = 500_000
_THOROUGH_US: Final = 3_000_000
_LOST_US: Final = 200_000

_QUICK_FRACTION: Final = 1 / 16
_THOROUGH_FRACTION: Final = 1 / 48
"""80 and 27 pixels of 1280."""


@dataclass(frozen=True, slots=True)
class SearchSchedule:
    """The longest times between searches, in microseconds of media time.

    idle_us: between quick searches while no face is followed. quick_us: while one is. thorough_us:
    between thorough ones, which also find small faces. turned_us: between searches for tilted
    heads, where a thorough search found nothing. turned_doublings: how often this time is doubled,
    after each such search, while no face was ever found. lost_us: while a track is not found again.
    predicted_us: a face that was found again in the last frame is not looked for in the next one,
    if that follows within this time: its box is predicted.
    quick_still_us, thorough_still_us: a search is put off while nothing but the followed faces has
    moved since the last one, until this is so long ago; 0: never put off.
    quick_fraction, thorough_fraction: smallest face that is searched for, as a fraction of the
    frame's longer side.
    """

    idle_us: int = _QUICK_US
    quick_us: int = _QUICK_US
    thorough_us: int = _THOROUGH_US
    turned_us: int = _THOROUGH_US
    turned_doublings: int = 0
    lost_us: int = _LOST_US
    predicted_us: int = 0
    quick_still_us: int = 0
    thorough_still_us: int = 0
    quick_fraction: float = _QUICK_FRACTION
    thorough_fraction: float = _THOROUGH_FRACTION
