"""Rollup windows: their widths, and arithmetic on their start times."""

from collections.abc import Iterator
from typing import Final

from contracts.times import MICROS

MINUTE_S: Final = 60
QUARTER_S: Final = 900
"""Each zone's offset from UTC is a multiple of it since 1980: any zone's days are whole ones."""
HOUR_S: Final = 3600
DAY_S: Final = 86_400
WIDTHS: Final = (MINUTE_S, QUARTER_S, HOUR_S, DAY_S)


def window_start(micros: int, width_s: int) -> int:
    """Where the window begins that `micros` lies in."""
    return micros - micros % (width_s * MICROS)


def windows(since_us: int, until_us: int, width_s: int) -> Iterator[tuple[int, int, int]]:
    """(start, from, to) for each window that [since, until) touches, with the part inside it."""
    while since_us < until_us:
        start = window_start(since_us, width_s)
        end = min(start + width_s * MICROS, until_us)
        yield start, since_us, end
        since_us = end
