"""A network without batch norms: each is folded into the kernel before it, as export does."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from training.teachers.recover import backbone_of, convolutions_of

Floats = npt.NDArray[np.float32]

Follow = Callable[[str, Any], Any]
"""Returns what follows the values that are named so: the same, or rounded ones."""

INPUT: Final = "input"
"""The name of the pixels that the backbone takes. Other values are named by their layer."""


def rebuilt(network: Any, follow: Follow) -> Any:
    """Return a Keras model with the network's answers and no batch norm.

    network: of training.model.build_model. follow: called for all values that an integer artifact
    rounds: what the backbone takes, the outputs of its blocks and activations, the features, and
    the heads' logits.
    """
    import keras
    from keras import layers

    backbone = backbone_of(network)
    before, after = _around(network, backbone)
    inputs = values = keras.Input(network.input_shape[1:], dtype="uint8", name="faces")
    for layer in before:
        values = _copied(layer, values)
    values = _rebuilt_backbone(backbone, follow(INPUT, values), follow)
    features = follow(backbone.name, layers.GlobalAveragePooling2D(name=backbone.name)(values))
    outputs = [follow(head.name, _copied(head, features)) for head in after]
    return keras.Model(inputs, outputs)


def _around(network: Any, backbone: Any) -> tuple[list[Any], list[Any]]:
    """Return the layers before the backbone, and the heads after it; a dropout does nothing."""
    from keras import layers

    place = network.layers.index(backbone)
    heads = [one for one in network.layers[place:] if isinstance(one, layers.Dense)]
    return network.layers[1:place], heads


def _rebuilt_backbone(backbone: Any, values: Any, follow: Follow) -> Any:
    """Return the backbone's last activations: a chain of layers, with sums of block outputs."""
    from keras import layers

    norms = {convolution.name: norm for convolution, norm in convolutions_of(backbone)}
    chain = [
        one
        for one in backbone.layers[1:]
        if not isinstance(one, (layers.BatchNormalization, layers.GlobalAveragePooling2D))
    ]
    block = values
    for layer, following in zip(chain, [*chain[1:], None], strict=True):
        if isinstance(layer, layers.Add):
            values = block = follow(layer.name, layers.Add(name=layer.name)([block, values]))
        elif layer.name not in norms:
            values = _copied(layer, values)
            if isinstance(layer, layers.ReLU):
                values = follow(layer.name, values)
        else:
            values = _folded(layer, norms[layer.name], values)
            if not isinstance(following, layers.ReLU):  # The end of a block.
                values = follow(layer.name, values)
                block = block if isinstance(following, layers.Add) else values
    return values


def _folded(convolution: Any, norm: Any, values: Any) -> Any:
    """Return the convolution's output, with the batch norm after it in its kernel and bias."""
    (kernel,) = convolution.get_weights()
    gamma, beta, mean, variance = norm.get_weights()
    scale: Floats = gamma / np.sqrt(variance + norm.epsilon)
    # A depthwise kernel is [h, w, channels, 1].
    shape = (-1, 1) if kernel.shape[-1] == 1 and len(scale) > 1 else (-1,)
    weights = [kernel * scale.reshape(shape), beta - mean * scale]
    return _copied(convolution, values, weights, use_bias=True)


def _copied(layer: Any, values: Any, weights: Any = None, **options: Any) -> Any:
    """Return the output of a layer like this one, with its weights or with the given ones."""
    copy = type(layer).from_config(layer.get_config() | options)
    outputs = copy(values)
    copy.set_weights(layer.get_weights() if weights is None else weights)
    return outputs
