"""Biases for rare expressions: a part of the labels' frequencies is taken out of the answers.

A network learns how often each expression is among the faces it was trained on, and calls a weak
disgust neutral because neutral is frequent. On other pictures, frequencies differ.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from training.calibration import Labels, Scaling, fit_temperature
from training.metrics import head_report

_SHARES_TAKEN: Final = tuple(round(0.05 * step, 2) for step in range(1, 21))
_LEAST_FACES: Final = 10
"""Faces of each expression; macro F1 says nothing about an expression with fewer."""


def less_prior(scaling: Scaling, logits: npt.ArrayLike, labels: Labels, share: float) -> Scaling:
    """Return the scaling with a share of the labels' frequencies taken out of the probabilities.

    Logit adjustment (Menon et al. 2021): p(expression | face) / p(expression)^share, so that rare
    expressions are named more often. The temperature is fitted again.
    """
    values = np.asarray(logits, dtype=np.float64)
    counts = np.bincount(labels, minlength=values.shape[1])
    logs = np.log(np.maximum(counts, 1) / len(labels))
    # Nothing is known of an expression without a face: it is treated as an average one.
    taken = np.where(counts > 0, logs - logs[counts > 0].mean(), 0.0)
    biases = (scaling.biases or np.zeros(len(taken))) - share * taken
    refined = fit_temperature(values / scaling.temperature + biases, labels)
    rounded = tuple(round(float(bias), 4) for bias in biases / refined)
    return Scaling(round(scaling.temperature * refined, 4), rounded)


def choose_share(scaling: Scaling, logits: npt.ArrayLike, labels: Labels) -> float:
    """Return the share for `less_prior`, 0 to 1, with the best macro F1 at an equal accuracy.

    Equal: right answers are lost by at most one standard error of their difference, which is the
    root of the number of faces that are right with one of the two alone. 0 if an expression has
    too few faces to tell.
    """
    supports = np.bincount(labels)
    if supports[supports > 0].min() < _LEAST_FACES:
        return 0.0
    plain = scaling.probabilities(logits)
    was_right = plain.argmax(axis=1) == labels
    best, chosen = head_report(plain, labels).macro_f1, 0.0
    for share in _SHARES_TAKEN:
        probs = less_prior(scaling, logits, labels, share).probabilities(logits)
        right, score = probs.argmax(axis=1) == labels, head_report(probs, labels).macro_f1
        lost, won = int((was_right & ~right).sum()), int((right & ~was_right).sum())
        if score > best and lost - won <= np.sqrt(lost + won):
            best, chosen = score, share
    return chosen
