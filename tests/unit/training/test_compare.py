"""The comparison's statistics, on answers whose differences are known."""

import numpy as np
import pytest

from contracts.errors import DatasetError
from contracts.model_card import ModelCard
from inference_worker.faces.model_choice import shipped_model
from training.calibration import reliability
from training.compare import compare
from training.data.leakage import difference_hash
from training.evaluate import Readings

CARD = ModelCard.read(shipped_model())


def readings(right: list[bool], names: tuple[str, ...] = ()) -> Readings:
    n = len(right)
    probs = np.full((n, 7), 0.01)
    probs[np.arange(n), np.where(right, 0, 1)] = 0.94
    return Readings(
        CARD, "fer2013", probs, np.zeros(n, np.int64), names or tuple(map(str, range(n)))
    )


def test_equal_models_differ_by_chance_only() -> None:
    result = compare(readings([True, False] * 50), readings([True, False] * 50))
    assert (result.only_a, result.only_b, result.p_value) == (0, 0, 1.0)
    assert result.low == result.high == 0


def test_a_better_model_is_told_from_chance() -> None:
    result = compare(readings([False] * 20 + [True] * 80), readings([True] * 100))
    assert result.only_b == 20
    assert result.p_value == pytest.approx(2 * 0.5**20, abs=1e-6)
    assert 0.1 < result.low < 0.2 < result.high < 0.3


def test_other_faces_are_refused() -> None:
    with pytest.raises(DatasetError):
        compare(readings([True]), readings([True], ("other",)))


def test_reliability_bins_hold_every_face() -> None:
    bins = reliability(readings([True] * 9 + [False]).probs, np.zeros(10, np.int64))
    assert sum(one.faces for one in bins) == 10
    (only,) = bins
    assert (only.confidence, only.accuracy) == (pytest.approx(0.94), 0.9)


def test_a_little_noise_changes_few_bits_of_a_hash() -> None:
    rng = np.random.default_rng(3)
    picture = np.add.outer(np.arange(48) * 2, np.arange(48) * 3).astype(np.uint8)[None]
    noisy = np.clip(picture.astype(int) + rng.integers(-3, 4, picture.shape), 0, 255)
    changed = difference_hash(picture)[0] ^ difference_hash(noisy.astype(np.uint8))[0]
    assert int(np.bitwise_count(changed)) <= 6
