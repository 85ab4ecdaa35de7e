"""Comparison statistics, for predictions with known differences."""

import numpy as np
import pytest

from contracts.errors import DatasetError
from contracts.model_card import ModelCard
from inference_worker.faces.model_choice import shipped_model
from training.calibration import reliability
from training.compare import compare
from training.data.leakage import difference_hash
from training.evaluate import Predictions

CARD = ModelCard.read(shipped_model())


def predictions(correct: list[bool], names: tuple[str, ...] = ()) -> Predictions:
    n = len(correct)
    probs = np.full((n, 7), 0.01)
    probs[np.arange(n), np.where(correct, 0, 1)] = 0.94
    return Predictions(
        CARD, "fer2013", probs, np.zeros(n, np.int64), names or tuple(map(str, range(n)))
    )


def test_equal_models_do_not_differ() -> None:
    result = compare(predictions([True, False] * 50), predictions([True, False] * 50))
    assert (result.only_a, result.only_b, result.p_value) == (0, 0, 1.0)
    assert result.low == result.high == 0


def test_a_better_model_is_significant() -> None:
    result = compare(predictions([False] * 20 + [True] * 80), predictions([True] * 100))
    assert result.only_b == 20
    assert result.p_value == pytest.approx(2 * 0.5**20, abs=1e-6)
    assert 0.1 < result.low < 0.2 < result.high < 0.3


def test_predictions_for_other_faces_are_rejected() -> None:
    with pytest.raises(DatasetError):
        compare(predictions([True]), predictions([True], ("other",)))


def test_reliability_bins_contain_every_face() -> None:
    bins = reliability(predictions([True] * 9 + [False]).probs, np.zeros(10, np.int64))
    assert sum(one.faces for one in bins) == 10
    (only,) = bins
    assert (only.confidence, only.accuracy) == (pytest.approx(0.94), 0.9)


def test_noise_changes_few_bits_of_a_hash() -> None:
    rng = np.random.default_rng(3)
    picture = np.add.outer(np.arange(48) * 2, np.arange(48) * 3).astype(np.uint8)[None]
    noisy = np.clip(picture.astype(int) + rng.integers(-3, 4, picture.shape), 0, 255)
    changed = difference_hash(picture)[0] ^ difference_hash(noisy.astype(np.uint8))[0]
    assert int(np.bitwise_count(changed)) <= 6
