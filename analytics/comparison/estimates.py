"""Shares of person-time as estimates, with the uncertainty of their differences.

The samples are tracks, not frames: the frames of one face say nearly the same. A share is a ratio
of sums over tracks, sum(y) / sum(x), where x is a track's time in view and y the part of it with
the label. Its variance is that of a ratio estimate, linearised (Cochran, Sampling Techniques, 1977,
chapters 6 and 9): n / (n - 1) * sum((y - p x)^2) / sum(x)^2. It needs sums of squares only.

Few tracks: one person with the label and one without are added to each time, as Agresti and Caffo
(2000, The American Statistician 54) do for proportions, so that a label that nobody showed is not
certain to be absent. Long stays: the degrees of freedom follow the effective number of tracks,
sum(x)^2 / sum(x^2) (Kish, Survey Sampling, 1965), combined as Welch (1947) and Satterthwaite did.

A person who returns is a new track, and people influence each other, so that the true uncertainty
can be larger.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, sqrt
from statistics import NormalDist
from typing import Final

CONFIDENCE: Final = 0.95
_COUNTED_VARIANCE: Final = 2.0
"""The design effect of exponential stays: their mean square is twice the square of their mean."""


@dataclass(frozen=True, slots=True)
class LabelSquares:
    """Sums over tracks for one label, in seconds squared: of y * y and of x * y."""

    yy: float
    xy: float


@dataclass(frozen=True, slots=True)
class TrackSums:
    """Sums over the tracks of a time. x: a track's seconds in view; y: those with a label.

    tracks: their number. x, xx: sums of x and of x * x.
    """

    tracks: int
    x: float
    xx: float
    labels: Mapping[str, LabelSquares]

    @property
    def effective(self) -> float:
        """The number of equally long tracks that are as informative."""
        return self.x**2 / self.xx if self.xx else 0.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share with its variance. effective: the effective number of tracks behind it."""

    share: float
    variance: float
    effective: float


def from_tracks(sums: TrackSums, label: str, share: float) -> Estimate:
    """Return the estimate of a share from the sums of at least two tracks."""
    one, count = sums.labels[label], sums.tracks
    squares = max(one.yy - 2 * share * one.xy + share**2 * sums.xx, 0.0)
    variance = count / (count - 1) * squares / sums.x**2
    return Estimate(share, variance + _added(share, sums.effective), sums.effective)


def from_count(tracks: int, share: float) -> Estimate:
    """Return the estimate of a share of which only the number of tracks is known.

    As if each track had one label throughout, and stays were exponential: the uncertainty is rather
    too large than too small. For times of which retention has removed the rows.
    """
    effective = tracks / _COUNTED_VARIANCE
    return Estimate(share, share * (1 - share) / effective + _added(share, effective), effective)


def margin(now: Estimate, before: Estimate, confidence: float = CONFIDENCE) -> float:
    """Return half the width of the interval around now.share - before.share."""
    variance = now.variance + before.variance
    parts = [one.variance**2 / max(one.effective - 1, 1e-9) for one in (now, before)]
    freedom = variance**2 / sum(parts) if any(parts) else inf
    return t_quantile((1 + confidence) / 2, freedom) * sqrt(variance)


def t_quantile(probability: float, freedom: float) -> float:
    """Return the quantile of Student's t distribution.

    The expansion of Abramowitz and Stegun (1964), 26.7.5: within 0.002 of it from 4 degrees on,
    for probabilities up to 0.975. Below 3, it is that of 3.
    """
    z = NormalDist().inv_cdf(probability)
    if freedom == inf:
        return z
    freedom = max(freedom, 3.0)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, 1))


def _added(share: float, effective: float) -> float:
    """Return the variance that one track with the label and one without add to a share."""
    return ((1 - share) ** 2 + share**2) / (effective + 2) ** 2
