"""Confidence that means what it says: temperature, biases, calibration error, risk and coverage."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

ECE_BINS = 15
_PENALTY = 0.001


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """What is left, and how right it is, when faces below a confidence are called uncertain."""

    threshold: float
    coverage: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Scaling:
    """How a head's logits become probabilities: softmax(logits / temperature + biases)."""

    temperature: float
    biases: tuple[float, ...] = ()

    def of(self, logits: npt.ArrayLike) -> Floats:
        """Probabilities of logits [n, 7]."""
        return probabilities(logits, self.temperature, self.biases)


def probabilities(
    logits: npt.ArrayLike, temperature: float = 1.0, biases: tuple[float, ...] = ()
) -> Floats:
    """Softmax of logits [n, 7] divided by the temperature, the biases added."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature + (biases or 0.0)
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    exponents = np.exp(scaled)
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))


def top_label_loss(logits: npt.ArrayLike, labels: Labels, temperature: float) -> float:
    """Mean log loss, in nats, of the top label's confidence as a forecast of its being right."""
    probs = probabilities(logits, temperature)
    confidence = np.clip(probs.max(axis=1), 1e-9, 1.0 - 1e-9)
    right = probs.argmax(axis=1) == labels
    return float(-np.log(np.where(right, confidence, 1.0 - confidence)).mean())


def fit_temperature(logits: npt.ArrayLike, labels: Labels) -> float:
    """The temperature of least top-label loss, by golden section between 0.2 and 5.

    Temperature scaling (Guo et al. 2017), fitted to what is shown and compared with a threshold,
    the top label's confidence: with the likelihood of all seven, the fer2013 head was 2 points
    too sure, because its labels are noisier than its runners-up are.
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
    """Of each face, in nats [n]."""
    return np.asarray(-np.log(np.clip(probs[np.arange(len(labels)), labels], 1e-12, 1.0)))


def fit_biased(logits: npt.ArrayLike, labels: Labels) -> Scaling:
    """A temperature and a bias for each expression.

    Bias-corrected temperature scaling (Alexandari et al. 2020), of least log loss and a penalty of
    the biases' squares; then the temperature of least top-label loss, as `fit_temperature` does.
    """
    values = np.asarray(logits, dtype=np.float64)
    one_hot = np.eye(values.shape[1])[labels]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        scale, biases = np.exp(parameters[0]), parameters[1:]
        probs = probabilities(values * scale + biases)
        slope = (probs - one_hot) / len(labels)
        at = log_loss(probs, labels).mean() + _PENALTY * (biases**2).sum()
        by_biases = slope.sum(axis=0) + 2 * _PENALTY * biases
        return float(at), np.concatenate([[(slope * values).sum() * scale], by_biases])

    found = minimize(loss, np.zeros(1 + values.shape[1]), jac=True, method="L-BFGS-B").x
    scale, biases = np.exp(found[0]), found[1:]
    again = fit_temperature(values * scale + biases, labels)
    rounded = tuple(round(float(bias), 4) for bias in biases / again)
    return Scaling(round(float(again / scale), 4), rounded)


def expected_calibration_error(probs: Floats, labels: Labels, bins: int = ECE_BINS) -> float:
    """Mean gap of top-label confidence and accuracy over equal-width bins, by share of faces."""
    confidence = probs.max(axis=1)
    correct = (probs.argmax(axis=1) == labels).astype(np.float64)
    index = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(index, weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def risk_coverage(probs: Floats, labels: Labels, thresholds: npt.ArrayLike) -> list[RiskPoint]:
    """Coverage and accuracy of the faces at or above each confidence; empty ones are left out."""
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
    """The highest threshold that still keeps at least that share of the faces."""
    kept = [point for point in points if point.coverage >= least_coverage]
    if not kept:
        raise ValueError(f"no threshold keeps {least_coverage:.0%} of the faces")
    return max(kept, key=lambda point: point.threshold)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Faces whose confidence lies in one bin: how many, how sure on average, how often right."""

    faces: int
    confidence: float
    accuracy: float


def reliability(probs: Floats, labels: Labels, bins: int = ECE_BINS) -> list[ReliabilityBin]:
    """The reliability diagram (Guo et al. 2017): equal-width bins of the top label's confidence.

    Empty bins are left out.
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
