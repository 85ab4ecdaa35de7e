"""Rare expressions: a part of the labels' frequencies is taken out of the answers."""

import numpy as np
import pytest

from training.calibration import Scaling, expected_calibration_error
from training.metrics import head_report
from training.rare_expressions import choose_share, less_prior

SHARES = np.array([0.1, 0.02, 0.03, 0.25, 0.15, 0.1, 0.35])


def faces(n: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """Return logits [n, 7] of a network that knows how often each expression is, and labels."""
    rng = np.random.default_rng(8)
    labels = rng.choice(7, n, p=SHARES)
    seen = rng.normal(0, 1, (n, 7)) + 2.0 * np.eye(7)[labels]
    # The logarithm of the posterior of these faces, which are normally distributed.
    return 2.0 * seen + np.log(SHARES), labels


def test_all_of_the_frequencies_taken_out_leaves_the_face_alone() -> None:
    logits, labels = faces()

    found = less_prior(Scaling(1.0), logits, labels, 1.0)

    counts = np.bincount(labels) / len(labels)
    biases = np.array(found.biases) * found.temperature
    assert biases == pytest.approx(-np.log(counts) + np.log(counts).mean(), abs=1e-3)
    assert less_prior(Scaling(1.0), logits, labels, 0.0).biases == (0.0,) * 7


def test_confidence_still_matches_accuracy() -> None:
    logits, labels = faces()

    probs = less_prior(Scaling(1.0), logits, labels, 0.5).probabilities(logits)

    assert expected_calibration_error(probs, labels) < 0.03


def test_rare_expressions_are_found_more_often_at_an_equal_accuracy() -> None:
    logits, labels = faces()
    before = head_report(Scaling(1.0).probabilities(logits), labels)

    share = choose_share(Scaling(1.0), logits, labels)

    after = head_report(
        less_prior(Scaling(1.0), logits, labels, share).probabilities(logits), labels
    )
    assert 0.0 < share < 1.0
    assert after.macro_f1 > before.macro_f1
    assert after.per_class["disgust"].recall > before.per_class["disgust"].recall + 0.05
    # A standard error of the difference is at most the root of the wrong answers of either.
    assert before.accuracy - after.accuracy < np.sqrt(0.3 / len(labels))


def test_nothing_is_taken_out_if_it_helps_no_expression_or_faces_are_too_few() -> None:
    logits, labels = faces()
    even = np.arange(len(labels)) % 7
    fair = np.random.default_rng(2).normal(0, 1, logits.shape) + 2.0 * np.eye(7)[even]

    assert choose_share(Scaling(1.0), fair, even) == 0.0
    assert np.bincount(labels[:200]).min() < 10
    assert choose_share(Scaling(1.0), logits[:200], labels[:200]) == 0.0


def test_an_expression_that_nobody_has_is_not_one_with_too_few_faces() -> None:
    logits, labels = faces()
    without = labels != 0
    logits[:, 0] = -30.0

    assert choose_share(Scaling(1.0), logits[without], labels[without]) > 0.0
    bias = less_prior(Scaling(1.0), logits[without], labels[without], 0.5).biases[0]
    assert bias == 0.0
