"""The layers of the shipped artifact, read without TensorFlow."""

import numpy as np

from contracts.model_card import WEIGHTS_NAME
from tests.litert_models import FLOAT_MODEL
from training.teachers.recover import read_folded_network


def test_an_artifact_has_a_backbone_and_two_heads_in_keras_layout() -> None:
    network = read_folded_network(FLOAT_MODEL / WEIGHTS_NAME)

    kernels = [layer.kernel.shape for layer in network.convolutions]
    assert len(kernels) == 52
    assert kernels[:3] == [(3, 3, 3, 32), (3, 3, 32, 1), (1, 1, 32, 16)]
    assert kernels[-1] == (1, 1, 320, 1280)
    assert {name: head.kernel.shape for name, head in network.heads.items()} == {
        "fer2013": (1280, 7),
        "ferplus": (1280, 7),
    }
    layers = [*network.convolutions, *network.heads.values()]
    assert all(layer.kernel.dtype == layer.bias.dtype == np.float32 for layer in layers)
    assert all(layer.kernel.any() for layer in layers)
