"""The teacher's features equal those of the published network. Needs TensorFlow."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from contracts.expressions import EXPRESSIONS
from training.data.dataset import Split
from training.face_teacher import cross_fitted_answers
from training.teachers.face_features import compute_features, feature_network
from training.teachers.feature_store import face_features

tensorflow = pytest.importorskip("tensorflow", reason="`make train` installs TensorFlow")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SIDE = 64
WIDTHS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)

Floats = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def tensors() -> Mapping[str, Floats]:
    """Random tensors with the names and shapes of the package."""
    rng = np.random.default_rng(3)

    def normal(*shape: int, fan_in: int) -> Floats:
        return rng.normal(0.0, np.sqrt(2.0 / fan_in), shape).astype(np.float32)

    def bias(width: int) -> Floats:
        return rng.normal(0.3, 0.1, (1, 1, 1, width)).astype(np.float32)

    # The input of the first layer is pixels of up to 150.
    found = {
        "conv1/convolution/merged_input": normal(3, 3, 3, 32, fan_in=27 * 2500),
        "conv1_bn/batchnorm_1/sub": bias(32),
    }
    for block, (before, width) in enumerate(pairwise(WIDTHS), start=1):
        found[f"conv_dw_{block}/depthwise_kernel"] = normal(3, 3, before, 1, fan_in=9)
        scale = rng.uniform(0.5, 1.5, (1, 1, 1, before)).astype(np.float32)
        found[f"conv_dw_{block}_bn/batchnorm_1/mul"] = scale
        found[f"conv_dw_{block}_bn/batchnorm_1/sub"] = bias(before)
        kernel = normal(1, 1, before, width, fan_in=before)
        found[f"conv_pw_{block}/convolution/merged_input"] = kernel
        found[f"conv_pw_{block}_bn/batchnorm_1/sub"] = bias(width)
    return found


def with_keras_applications(tensors: Mapping[str, Floats], images: npt.NDArray[np.uint8]) -> Any:
    """Return the network's last means, [n, 1024], computed by Keras' MobileNet."""
    import keras

    backbone = keras.applications.MobileNet(
        input_shape=(SIDE, SIDE, 3), include_top=False, weights=None, pooling="avg"
    )
    for layer in backbone.layers:
        name = layer.name
        if name.endswith("_bn"):
            bias = tensors[f"{name}/batchnorm_1/sub"].ravel()
            scale = tensors.get(f"{name}/batchnorm_1/mul", np.ones(len(bias))).ravel()
            zeros, ones = np.zeros(len(bias)), np.ones(len(bias))
            layer.set_weights([scale * np.sqrt(1 + layer.epsilon), bias, zeros, ones])
        elif f"{name}/depthwise_kernel" in tensors:
            layer.set_weights([tensors[f"{name}/depthwise_kernel"]])
        elif f"{name}/convolution/merged_input" in tensors:
            layer.set_weights([tensors[f"{name}/convolution/merged_input"]])
    grey = tensorflow.image.resize(images[..., None].astype(np.float32), (SIDE, SIDE), "bicubic")
    pixels = np.clip(grey, 0, 255).repeat(3, axis=-1) - np.array([103.939, 116.779, 123.68])
    return backbone(pixels.astype(np.float32), training=False).numpy()


class Wrapped:
    """A network as the store of features takes it."""

    digest = "0" * 64

    def __init__(self, network: Any) -> None:
        self._network = network

    def features(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        return compute_features(self._network, images)


def faces(count: int) -> Split:
    """Light and dark images with noise, which a probe can separate."""
    rng = np.random.default_rng(6)
    labels = np.arange(count) % 2
    noise = rng.integers(0, 90, (count, 48, 48))
    images = np.where(labels[:, None, None], 255 - noise, noise).astype(np.uint8)
    votes = np.zeros((count, len(EXPRESSIONS)), np.float32)
    votes[np.arange(count), labels] = 10.0
    return Split(images, labels, votes, tuple(map(str, range(count))))


def test_features_equal_those_of_the_published_network(
    tensors: Mapping[str, Floats],
) -> None:
    images = np.random.default_rng(4).integers(0, 256, (6, 48, 48), dtype=np.uint8)

    found = feature_network(tensors, SIDE).predict(images[..., None], verbose=0)

    assert found.shape == (6, 6400)
    # Before it: blocks 5, 7, 9, 10 and 11 with 256 and 512 means each. After it: the quadrants.
    end = 256 + 4 * 512 + 1024
    expected = with_keras_applications(tensors, images)
    assert found[:, end : end + 1024] == pytest.approx(expected, rel=1e-3, abs=1e-3)
    eleventh, quarters = found[:, 1792:2304], found[:, -2048:].reshape(6, 4, 512)
    assert quarters.mean(axis=1) == pytest.approx(eleventh, rel=1e-3, abs=1e-3)


def test_answers_are_cross_fitted(tensors: Mapping[str, Floats], tmp_path: Path) -> None:
    split = faces(1200)
    # A wrong label on one face must not appear in the answer for it.
    split.labels[7] = 1 - split.labels[7]

    features = face_features(Wrapped(feature_network(tensors, SIDE)), split, tmp_path)
    answers = cross_fitted_answers(features, split, folds=2)

    assert answers.fer2013.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert (answers.ferplus.argmax(axis=1) == np.arange(1200) % 2).mean() > 0.99
    assert answers.fer2013[7].argmax() == 1
