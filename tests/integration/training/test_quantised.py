"""A network that is fine-tuned to be rounded. Needs TensorFlow."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import moodline
from contracts.model_card import WEIGHTS_NAME
from runtime.decoding.opencv import cv2, decode_picture
from tests.litert_models import FLOAT_MODEL
from training.classifier import LiteRtModel
from training.data.dataset import Split
from training.data.material import repeated
from training.data.views import view
from training.model import HEADS
from training.quantised.folding import rebuilt
from training.quantised.rounding import rounded, value_ranges
from training.quantised.tuning import Tuning, answered_views, tuned
from training.teachers.recover import recover_network

pytest.importorskip("tensorflow", reason="`make train` installs TensorFlow")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


FACES = sorted((Path(moodline.__file__).parent / "assets" / "faces").glob("*.png"))
STEPS = 30

Images = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def images() -> Images:
    """The averaged faces, grey [n, 48, 48], in four views."""
    decoded = [decode_picture(one.read_bytes(), cv2.IMREAD_GRAYSCALE) for one in FACES]
    small = [cv2.resize(one, (48, 48), interpolation=cv2.INTER_AREA) for one in decoded]
    return np.concatenate([view(np.stack(small), number) for number in range(4)])


@pytest.fixture(scope="module")
def network() -> Any:
    return recover_network(FLOAT_MODEL)


def logits(model: Any, images: Images) -> npt.NDArray[np.float32]:
    return np.stack(model.predict(repeated(images), verbose=0))


def as_integers(model: Any, images: Images, path: Path) -> npt.NDArray[np.float32]:
    """Return the logits of the model's int8 artifact, whose ranges are those of these images."""
    from training.export import Precision, litert_bytes

    none = np.zeros((len(images), 7), np.float32)
    names = tuple(map(str, range(len(images))))
    split = Split(images, np.zeros(len(images), np.int64), none, names)
    path.write_bytes(litert_bytes(model, Precision.INT8, split))
    found = LiteRtModel(path).logits(repeated(images))
    return np.stack([found[head] for head in HEADS])


def test_folded_rounded_and_tuned(network: Any, images: Images, tmp_path: Path) -> None:
    """Folding changes nothing, rounding is the artifact's, and tuning takes part of it back."""
    wanted = logits(network, images)
    plain = rebuilt(network, lambda _name, values: values)
    assert not [one for one in plain.layers if "BatchNormalization" in type(one).__name__]
    assert logits(plain, images) == pytest.approx(wanted, abs=1e-3)

    integers = as_integers(plain, images, tmp_path / "plain.tflite")
    error = np.abs(integers - wanted).mean()
    as_rounded = logits(rounded(network, value_ranges(network, repeated(images))), images)
    assert np.abs(as_rounded - integers).mean() < 0.8 * error

    views = answered_views(LiteRtModel(FLOAT_MODEL / WEIGHTS_NAME), images, 1)
    tuning = Tuning(epochs=STEPS * 16 / len(images), views=1, batch=16, warmup_steps=5)
    student = tuned(network, views, tuning)
    tuned_integers = as_integers(student, images, tmp_path / "tuned.tflite")
    assert np.abs(tuned_integers - wanted).mean() < error
