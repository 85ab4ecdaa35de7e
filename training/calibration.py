"""Calibration of confidence: temperature, biases, calibration error, risk and coverage."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from runtime.further_looks import softmax

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

ECE_BINS = 15
_BIAS_PENALTY = 0.001


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """Coverage and accuracy if faces below a confidence threshold are uncertain."""

    threshold: float
    coverage: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Scaling:
    """The calibration of a head: probabilities are softmax(logits / temperature + biases)."""

    temperature: float
    biases: tuple[float, ...] = ()

    def probabilities(self, logits: npt.ArrayLike) -> Floats:
        """Return probabilities [n, 7] of logits [n, 7]."""
        return probabilities(logits, self.temperature, self.biases)


def probabilities(
    logits: npt.ArrayLike, temperature: float = 1.0, biases: tuple[float, ...] = ()
) -> Floats:
    """Return softmax(logits / temperature + biases) of logits [n, 7]."""
    return softmax(np.asarray(logits, dtype=np.float64) / temperature + (biases or 0.0))


def top_label_loss(logits: npt.ArrayLike, labels: Labels, temperature: float) -> float:
    """Return the mean log loss in nats of the top label's confidence as a forecast of accuracy."""
    probs = probabilities(logits, temperature)
    confidence = np.clip(probs.max(axis=1), 1e-9, 1.0 - 1e-9)
    right = probs.argmax(axis=1) == labels
    return float(-np.log(np.where(right, confidence, 1.0 - confidence)).mean())


def fit_temperature(logits: npt.ArrayLike, labels: Labels) -> float:
    """Return the temperature with the least top-label loss, by golden section in 0.2..5.

    Temperature scaling (Guo et al. 2017), fitted to the top label's confidence, because that is
    shown and compared with a threshold. Fitted to the likelihood of all seven, the fer2013 head
    was 2 points overconfident: its wrong labels are rarely its second choice.
    """
    ratio = (np.sqrt(5.0) - 1.0) / 2.0
    low, high = float(np.log(0.2)), float(np.log(5.0))
    while high - low > 1e-4:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        loss_left = top_label_loss(logits, labels, float(np.exp(left)))
        loss_right = top_label_loss(logits, labels, float(np.exp(right)))
        if loss_left < loss_right:
            high = right
        else:
            low = left
    return round(float(np.exp((low + high) / 2.0)), 4)


def log_loss(probs: Floats, labels: Labels) -> Floats:
    """Return the log loss of each face, in nats [n]."""
    return np.asarray(-np.log(np.clip(probs[np.arange(len(labels)), labels], 1e-12, 1.0)))


def fit_bias_corrected(logits: npt.ArrayLike, labels: Labels) -> Scaling:
    """Return a temperature and a bias for each expression.

    Bias-corrected temperature scaling (Alexandari et al. 2020): the least log loss plus a penalty
    on the squared biases. The temperature is then refined as in `fit_temperature`.
    """
    values = np.asarray(logits, dtype=np.float64)
    one_hot = np.eye(values.shape[1])[labels]

    def loss_and_gradient(parameters: Floats) -> tuple[float, Floats]:
        scale, biases = np.exp(parameters[0]), parameters[1:]
        probs = probabilities(values * scale + biases)
        logit_gradient = (probs - one_hot) / len(labels)
        loss = log_loss(probs, labels).mean() + _BIAS_PENALTY * (biases**2).sum()
        bias_gradient = logit_gradient.sum(axis=0) + 2 * _BIAS_PENALTY * biases
        scale_gradient = (logit_gradient * values).sum() * scale
        return float(loss), np.concatenate([[scale_gradient], bias_gradient])

    start = np.zeros(1 + values.shape[1])
    found = minimize(loss_and_gradient, start, jac=True, method="L-BFGS-B").x
    scale, biases = np.exp(found[0]), found[1:]
    refined = fit_temperature(values * scale + biases, labels)
    rounded = tuple(round(float(bias), 4) for bias in biases / refined)
    return Scaling(round(float(refined / scale), 4), rounded)


def expected_calibration_error(probs: Floats, labels: Labels, bins: int = ECE_BINS) -> float:
    """Return the mean gap between top-label confidence and accuracy (Guo et al. 2017).

    The mean is over equal-width bins of confidence, weighted by their number of faces.
    """
    confidence = probs.max(axis=1)
    correct = (probs.argmax(axis=1) == labels).astype(np.float64)
    index = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(index, weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def risk_coverage(probs: Floats, labels: Labels, thresholds: npt.ArrayLike) -> list[RiskPoint]:
    """Return coverage and accuracy at each threshold that some face reaches."""
    confidence = probs.max(axis=1)
    correct = probs.argmax(axis=1) == labels
    points = []
    for threshold in np.asarray(thresholds, dtype=np.float64):
        kept = confidence >= threshold
        if kept.any():
            accuracy = float(correct[kept].mean())
            points.append(RiskPoint(float(threshold), float(kept.mean()), accuracy))
    return points


def choose_threshold(points: list[RiskPoint], least_coverage: float) -> RiskPoint:
    """Return the highest threshold with at least that coverage. Raises ValueError if none has."""
    kept = [point for point in points if point.coverage >= least_coverage]
    if not kept:
        raise ValueError(f"no threshold keeps {least_coverage:.0%} of the faces")
    return max(kept, key=lambda point: point.threshold)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The faces in one confidence bin: their number, mean confidence and accuracy."""

    faces: int
    confidence: float
    accuracy: float


def reliability(probs: Floats, labels: Labels, bins: int = ECE_BINS) -> list[ReliabilityBin]:
    """Return the non-empty bins of the reliability diagram (Guo et al. 2017).

    The bins have equal widths in the top label's confidence.
    """
    confidence = probs.max(axis=1)
    correct = probs.argmax(axis=1) == labels
    index = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    return [
        ReliabilityBin(
            int((index == i).sum()),
            float(confidence[index == i].mean()),
            float(correct[index == i].mean()),
        )
        for i in range(bins)
        if (index == i).any()
    ]
