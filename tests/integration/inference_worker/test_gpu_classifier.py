"""The GPU classifier gives the results of the CPU classifier. Needs TensorFlow."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import ModelError
from contracts.model_card import CARD_NAME, KERAS_NAME, WEIGHTS_NAME
from contracts.settings import Device
from inference_worker.faces.classifier_devices import open_classifier
from inference_worker.faces.classify import LiteRTClassifier
from runtime.decoding.opencv import cv2
from tests.litert_models import FLOAT_MODEL

pytest.importorskip("tensorflow", reason="`make train` installs TensorFlow")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network, as Keras and as LiteRT model."""
    return untrained(tmp_path_factory.mktemp("artifact"), 48)


def untrained(folder: Path, side: int) -> Path:
    """Write an untrained network of crops of this side; return its folder."""
    from training.config import ModelShape
    from training.data.dataset import Split
    from training.export import Precision, litert_bytes
    from training.model import build_model

    model = build_model(ModelShape(alpha=0.35, seen_as=48), pretrained=False, side=side)
    rng = np.random.default_rng(5)
    for weights in model.weights:
        if "moving_mean" in weights.path:  # Otherwise inference and training hardly differ.
            weights.assign(rng.normal(0, 0.5, weights.shape))
    model.save(folder / KERAS_NAME)
    content = litert_bytes(model, Precision.FLOAT, Split.__new__(Split))
    (folder / WEIGHTS_NAME).write_bytes(content)
    card = json.loads((FLOAT_MODEL / CARD_NAME).read_text())
    card |= {"sha256": hashlib.sha256(content).hexdigest(), "input_shape": [side, side, 3]}
    (folder / CARD_NAME).write_text(json.dumps(card))
    return folder


def faces(count: int, side: int = 48) -> np.ndarray:
    rng = np.random.default_rng(7)
    noise = rng.integers(0, 255, (count, side, side)).astype(np.uint8)
    return np.stack([cv2.GaussianBlur(one, (9, 9), 3) for one in noise])


def test_gpu_and_cpu_classifiers_agree(artifact: Path) -> None:
    from inference_worker.faces.classify_gpu import KerasClassifier

    gpu, cpu = KerasClassifier(artifact, require_gpu=False), LiteRTClassifier(artifact)
    crops, head = faces(37), "ferplus-plain"
    answers = gpu.classify(crops)
    assert np.abs(answers - cpu.classify(crops)).max() < 0.02
    singly = np.concatenate([gpu.classify(crops[i : i + 1]) for i in range(5)])
    assert np.abs(answers[:5] - singly).max() < 0.005
    assert gpu.classify(crops[:0]).shape == (0, 7)
    assert gpu.card.version == cpu.card.version
    # Another head of the card may have the same output.
    gpu, cpu = KerasClassifier(artifact, head, require_gpu=False), LiteRTClassifier(artifact, head)
    assert np.abs(gpu.classify(crops) - cpu.classify(crops)).max() < 0.02


def test_both_read_crops_of_the_size_in_the_card(tmp_path: Path) -> None:
    from inference_worker.faces.classify_gpu import KerasClassifier

    folder = untrained(tmp_path, 96)
    gpu, cpu = KerasClassifier(folder, require_gpu=False), LiteRTClassifier(folder)
    crops = faces(3, 96)
    assert np.abs(gpu.classify(crops) - cpu.classify(crops)).max() < 0.02
    card = json.loads((folder / CARD_NAME).read_text()) | {"input_shape": [48, 48, 3]}
    (folder / CARD_NAME).write_text(json.dumps(card))
    for classifier in (LiteRTClassifier, lambda path: KerasClassifier(path, require_gpu=False)):
        with pytest.raises(ModelError, match=r"\(96, 96, 3\)"):
            classifier(folder)


def test_without_a_gpu_the_cpu_is_used_unless_a_gpu_is_required(artifact: Path) -> None:
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has a GPU")
    assert open_classifier(str(artifact), Device.AUTO).device == "cpu"
    with pytest.raises(ModelError, match="no GPU"):
        open_classifier(str(artifact), Device.GPU)
