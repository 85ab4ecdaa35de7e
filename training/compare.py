"""Comparison of two models on the same faces: the difference and its significance."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from contracts.errors import DatasetError
from training.evaluate import Predictions

_RESAMPLES = 2000
_SEED = 7


@dataclass(frozen=True, slots=True)
class Comparison:
    """Model B compared with model A on the same n faces.

    only_a, only_b: faces that only this model classified correctly. p_value: of the exact McNemar
    test (McNemar 1947). low, high: 95 % bootstrap interval of the difference in accuracy, B - A.
    """

    a: str
    b: str
    n: int
    accuracy_a: float
    accuracy_b: float
    only_a: int
    only_b: int
    p_value: float
    low: float
    high: float


def compare(a: Predictions, b: Predictions) -> Comparison:
    """Compare two models. Raises DatasetError if they did not classify the same faces."""
    if a.names != b.names or a.head != b.head:
        raise DatasetError("the two models did not classify the same faces")
    only_a = int((a.correct & ~b.correct).sum())
    only_b = int((b.correct & ~a.correct).sum())
    difference = b.correct.astype(np.float64) - a.correct.astype(np.float64)
    rng = np.random.default_rng(_SEED)
    means = [rng.choice(difference, len(difference)).mean() for _ in range(_RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    differing = only_a + only_b
    return Comparison(
        a=a.model.version,
        b=b.model.version,
        n=len(a.names),
        accuracy_a=round(float(a.correct.mean()), 4),
        accuracy_b=round(float(b.correct.mean()), 4),
        only_a=only_a,
        only_b=only_b,
        p_value=round(float(binomtest(only_b, differing).pvalue), 6) if differing else 1.0,
        low=round(float(low), 4),
        high=round(float(high), 4),
    )
