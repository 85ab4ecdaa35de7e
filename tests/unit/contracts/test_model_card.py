"""Model cards: the values that a head accepts, and its calibration in the worker."""

import numpy as np
import pytest
from pydantic import ValidationError

from contracts.model_card import Head
from inference_worker.faces.classify import calibrated


def test_logits_are_divided_by_the_temperature_then_biased() -> None:
    logits = np.array([[2.0, 1.0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 3.0]], np.float32)
    biases = (0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -2.0)

    found = calibrated(logits, Head(output="x", temperature=2.0, biases=biases))

    raised = np.exp(logits / 2.0 + biases)
    assert found == pytest.approx(raised / raised.sum(axis=1, keepdims=True))
    assert found[0].argmax() == 1
    plain = calibrated(logits, Head(output="x", temperature=2.0))
    assert plain == pytest.approx(
        calibrated(logits, Head(output="x", temperature=2.0, biases=(0.0,) * 7))
    )
    assert plain[0].argmax() == 0


@pytest.mark.parametrize("biases", [(0.0,) * 6, (0.0,) * 6 + (float("nan"),), (float("inf"),) * 7])
def test_biases_must_be_one_finite_number_per_expression(biases: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError, match="7 finite numbers"):
        Head(output="x", temperature=1.0, biases=biases)
