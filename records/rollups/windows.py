"""Rollup windows: their widths, and arithmetic on their start times."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from contracts.times import MICROS

MINUTE_S: Final = 60
QUARTER_S: Final = 900
"""Every zone's UTC offset is a multiple of it since 1980, so quarters make up any zone's days."""
HOUR_S: Final = 3600
DAY_S: Final = 86_400
WIDTHS: Final = (MINUTE_S, QUARTER_S, HOUR_S, DAY_S)


@dataclass(frozen=True, slots=True)
class WindowPart:
    """The part [since_us, until_us) of the window that starts at start_us; UTC microseconds."""

    start_us: int
    since_us: int
    until_us: int


def window_start(micros: int, width_s: int) -> int:
    """Return the start of the window that contains `micros`."""
    return micros - micros % (width_s * MICROS)


def split_by_window(since_us: int, until_us: int, width_s: int) -> Iterator[WindowPart]:
    """Yield the parts of [since_us, until_us), one per window that it touches, in order."""
    while since_us < until_us:
        start_us = window_start(since_us, width_s)
        end_us = min(start_us + width_s * MICROS, until_us)
        yield WindowPart(start_us, since_us, end_us)
        since_us = end_us
