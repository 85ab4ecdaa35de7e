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
    """Return exponentially smoothed probabilities; the time steps may be uneven.

    The step is that of a first-order low-pass, 1 - exp(-elapsed / time constant), times `weight`
    (0..1), so that a poor crop moves the result less. Half of a change shows after 0.7 time
    constants. The result has the same sum as its inputs.
    """
    if before is None or time_constant_s == 0:
        return tuple(probabilities)
    step = (1 - math.exp(-elapsed_s / time_constant_s)) * weight
    return tuple(old + step * (new - old) for old, new in zip(before, probabilities, strict=True))
