"""Sampling by time: the first frame at or after each point of a grid of `fps` a second."""

from fractions import Fraction
from typing import Final

from contracts.errors import SettingsError

# Containers round timestamps, to a millisecond at worst. A frame that much before a grid point
# is at it; otherwise a third of a 30 fps Matroska's frames would miss a 30 fps grid.
TOLERANCE_US: Final = 1_000
_MICROS: Final = 1_000_000


def sampling_rate(fps: float) -> Fraction:
    """`fps` as the exact decimal that was typed. Raises SettingsError unless above 0."""
    if not 0 < fps < float("inf"):
        raise SettingsError(
            f"cannot sample at {fps} frames a second",
            hint="Give a number above 0, for example --fps 5, or leave --fps away for every frame",
        )
    return Fraction(repr(fps))


def is_sampled(previous_us: int | None, media_time_us: int, rate: Fraction) -> bool:
    """Whether a grid point lies between the previous decoded frame and this one, or at it.

    previous_us: media time of the frame decoded before, taken or not; None for the first,
    which is always taken. A rate above the source's own therefore takes every frame, once.
    """
    if previous_us is None:
        return True
    return _grid_points(media_time_us, rate) > _grid_points(previous_us, rate)


def _grid_points(media_time_us: int, rate: Fraction) -> int:
    return (media_time_us + TOLERANCE_US) * rate.numerator // (_MICROS * rate.denominator)
