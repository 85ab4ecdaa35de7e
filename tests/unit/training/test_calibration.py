"""Temperature scaling, biases, calibration error and the risk-coverage curve."""

import numpy as np
import pytest

from training.calibration import (
    Scaling,
    choose_threshold,
    expected_calibration_error,
    fit_bias_corrected,
    fit_temperature,
    log_loss,
    probabilities,
    risk_coverage,
    top_label_loss,
)


def sample(temperature: float, n: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """Return logits, and labels sampled from softmax(logits / temperature)."""
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 3, (n, 7))
    probs = probabilities(logits, temperature)
    return logits, (probs.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.5])
def test_fit_temperature_recovers_the_true_temperature(temperature: float) -> None:
    logits, labels = sample(temperature)

    fitted = fit_temperature(logits, labels)

    assert fitted == pytest.approx(temperature, rel=0.05)
    best = top_label_loss(logits, labels, fitted)
    assert best <= top_label_loss(logits, labels, fitted * 1.1)
    assert best <= top_label_loss(logits, labels, fitted / 1.1)


def test_confidence_matches_accuracy_if_wrong_labels_are_not_the_second_choice() -> None:
    logits, labels = sample(1.0)
    noisy = np.random.default_rng(4).random(len(labels)) < 0.2
    labels = np.where(noisy, (labels + 1) % 7, labels)

    probs = probabilities(logits, fit_temperature(logits, labels))

    accuracy = (probs.argmax(axis=1) == labels).mean()
    assert probs.max(axis=1).mean() == pytest.approx(accuracy, abs=0.02)


def test_fit_bias_corrected_recovers_the_true_biases() -> None:
    biases = (-0.8, 0.3, 0.0, 0.5, 0.0, 0.4, -0.4)
    logits, _ = sample(1.0, 20_000)
    probs = Scaling(2.0, biases).probabilities(logits)
    chance = np.random.default_rng(6).random((len(logits), 1))
    labels = (probs.cumsum(axis=1) > chance).argmax(axis=1)

    found = fit_bias_corrected(logits, labels)

    assert found.temperature == pytest.approx(2.0, rel=0.05)
    assert np.array(found.biases) - np.mean(found.biases) == pytest.approx(biases, abs=0.1)
    plain = Scaling(fit_temperature(logits, labels)).probabilities(logits)
    assert (
        log_loss(found.probabilities(logits), labels).mean() < log_loss(plain, labels).mean() - 0.01
    )
    assert log_loss(np.eye(7), np.arange(7)).sum() == 0


def test_probabilities_sum_to_one_for_large_logits() -> None:
    probs = probabilities([[1000.0, 0, 0, 0, 0, 0, 0], [1.0] * 7])

    assert probs.sum(axis=1) == pytest.approx(1.0)
    assert probs[0, 0] == pytest.approx(1.0)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probs = np.tile([0.9, 0.1, 0, 0, 0, 0, 0], (10, 1))
    labels = np.array([0] * 6 + [1] * 4)

    assert expected_calibration_error(probs, labels) == pytest.approx(0.3)


def test_calibrated_labels_have_a_small_calibration_error() -> None:
    logits, labels = sample(2.0)

    assert expected_calibration_error(probabilities(logits, 2.0), labels) < 0.02
    assert expected_calibration_error(probabilities(logits), labels) > 0.1


def test_the_highest_threshold_with_enough_coverage_is_chosen() -> None:
    probs = np.zeros((4, 7))
    probs[:, 0] = [0.9, 0.8, 0.6, 0.4]
    labels = np.array([0, 0, 1, 1])

    points = risk_coverage(probs, labels, [0.3, 0.5, 0.7, 0.95])

    assert [p.coverage for p in points] == [1.0, 0.75, 0.5]
    assert [p.accuracy for p in points] == [0.5, pytest.approx(2 / 3), 1.0]
    assert choose_threshold(points, 0.75).threshold == 0.5
    with pytest.raises(ValueError, match="no threshold"):
        choose_threshold(points[2:], 0.75)
