"""Sampling by time: which frames of a source are analysed."""

from fractions import Fraction


def is_sampled(media_time_us: int, previous_us: int | None, fps: float | None) -> bool:
    """Whether the frame is the first at or after a grid point k / fps.

    previous_us: media time of the frame before it, None for the first. A function of the two
    times only, so that a reader that resumes decides as one that never stopped. No fps, or one
    above the source's rate, takes every frame.
    """
    if fps is None or previous_us is None:
        return True
    rate = Fraction(fps).limit_denominator(100_000)
    return _grid_points(media_time_us, rate) > _grid_points(previous_us, rate)


def _grid_points(media_time_us: int, rate: Fraction) -> int:
    """How many points k / rate, k >= 0, lie at or before the time, less one."""
    return media_time_us * rate.numerator // (1_000_000 * rate.denominator)
