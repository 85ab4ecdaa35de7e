"""Sampling of recordings by media time: the first frame at or after each point of a grid."""

from fractions import Fraction
from typing import Final

from contracts.errors import SettingsError

# Containers round timestamps, at worst to a millisecond. A frame that is early by no more than that
# counts as on the grid point; else a 30 fps grid would miss a third of a 30 fps Matroska's frames.
TOLERANCE_US: Final = 1_000
_MICROS: Final = 1_000_000


def sampling_rate(fps: float) -> Fraction:
    """Return `fps` as an exact decimal fraction. Raises SettingsError unless it is above 0."""
    if not 0 < fps < float("inf"):
        raise SettingsError(
            f"cannot sample at {fps} frames a second",
            hint="Give a number above 0, for example --fps 5, or omit --fps for every frame",
        )
    return Fraction(repr(fps))


def is_sampled(previous_us: int | None, media_time_us: int, rate: Fraction) -> bool:
    """Return whether a grid point lies after the previous frame and not after this one.

    previous_us: media time of the previous decoded frame, sampled or not; None for the first
    frame, which is always sampled. rate: grid points a second. If it is above the source's frame
    rate, every frame is sampled, once.
    """
    if previous_us is None:
        return True
    return _grid_points(media_time_us, rate) > _grid_points(previous_us, rate)


def _grid_points(media_time_us: int, rate: Fraction) -> int:
    return (media_time_us + TOLERANCE_US) * rate.numerator // (_MICROS * rate.denominator)
