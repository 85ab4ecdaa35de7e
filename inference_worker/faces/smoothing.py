"""Smoothing of a track's probabilities over time. Pure."""

import math
from collections.abc import Sequence


def smoothed(
    before: Sequence[float] | None,
    probabilities: Sequence[float],
    *,
    elapsed_s: float,
    time_constant_s: float,
    weight: float,
) -> tuple[float, ...]:
    """Exponential smoothing over uneven times; half of a change shows after 0.7 constants.

    The step is 1 - exp(-elapsed / constant), as of a first-order low-pass, times `weight`
    (0..1), so that a poor picture moves the line less. The result sums to what its inputs do.
    """
    if before is None or time_constant_s == 0:
        return tuple(probabilities)
    step = (1 - math.exp(-elapsed_s / time_constant_s)) * weight
    return tuple(old + step * (new - old) for old, new in zip(before, probabilities, strict=True))
