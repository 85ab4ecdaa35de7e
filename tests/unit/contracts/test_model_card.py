"""Model cards: the values that they accept, versions, and calibration in the worker."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from contracts.errors import ModelError
from contracts.model_card import CARD_NAME, Head, ModelCard
from inference_worker.faces.classify import calibrated
from inference_worker.faces.model_choice import shipped_model
from tests.litert_models import FLOAT_MODEL


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


def test_further_looks_belong_to_the_version(tmp_path: Path) -> None:
    folder = shutil.copytree(shipped_model(), tmp_path / "model")
    described = json.loads((folder / CARD_NAME).read_text())
    version = ModelCard.read(folder).version

    first = described["looks"][0]
    below = {**first["below"], "ferplus": 0.1}
    others = ({"below": below}, {"mirrored": not first["mirrored"]}, {"alone": not first["alone"]})
    for other in others:
        described["looks"][0] = first | other
        (folder / CARD_NAME).write_text(json.dumps(described))
        assert ModelCard.read(folder).version != version
    # A model of one network keeps the version that its runs have.
    single = json.loads((FLOAT_MODEL / CARD_NAME).read_text())
    assert ModelCard.read(FLOAT_MODEL).version == f"{single['id']}@{single['sha256'][:12]}"


def test_a_network_that_the_card_does_not_name_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(shipped_model(), tmp_path / "model")
    described = json.loads((folder / CARD_NAME).read_text())
    described["second_look"] = described.pop("looks")  # As no card has it.
    (folder / CARD_NAME).write_text(json.dumps(described))
    with pytest.raises(ModelError, match=r"has second\.tflite, of which its card says nothing"):
        ModelCard.read(folder)


@pytest.mark.parametrize(
    ("below", "said"),
    [
        ({"ferplus": 0.5}, "no further look at fer2013"),
        ({"ferplus": 0.0, "fer2013": 0.5}, "greater than 0"),
        ({"ferplus": 1.1, "fer2013": 0.5}, "less than or equal to 1"),
    ],
)
def test_a_further_look_has_a_probability_for_each_output(
    below: dict[str, float], said: str, tmp_path: Path
) -> None:
    folder = shutil.copytree(shipped_model(), tmp_path / "model")
    described = json.loads((folder / CARD_NAME).read_text())
    described["looks"][0]["below"] = below
    (folder / CARD_NAME).write_text(json.dumps(described))
    with pytest.raises(ModelError, match=said):
        ModelCard.read(folder)
