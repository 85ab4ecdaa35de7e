"""A network that rounds its weights and values as an int8 artifact does, and can be trained.

After Jacob et al. 2018: in training, a rounded value passes gradients on as if it were not.
LiteRT's scheme: a kernel is symmetric, with a scale for each output; values have one range.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from training.quantised.folding import rebuilt

Ranges = Mapping[str, tuple[float, float]]
"""The smallest and the largest of the values of that name, as training.quantised.folding names."""

_BATCH: Final = 50
_LEVELS: Final = 255
_LARGEST_WEIGHT: Final = 127


def value_ranges(network: Any, faces: npt.NDArray[np.uint8]) -> Ranges:
    """Return the ranges of all rounded values for these faces, uint8 [n, side, side, 3].

    Each has 0 in it, which an artifact must represent exactly.
    """
    import keras

    found: dict[str, Any] = {}

    def follow(name: str, values: Any) -> Any:
        found[name] = values
        return values

    model = keras.Model(rebuilt(network, follow).input, list(found.values()))
    ranges = dict.fromkeys(found, (0.0, 0.0))
    for start in range(0, len(faces), _BATCH):
        batch = model.predict_on_batch(faces[start : start + _BATCH])
        for name, values in zip(found, batch, strict=True):
            least, most = ranges[name]
            ranges[name] = (min(least, float(values.min())), max(most, float(values.max())))
    return ranges


def rounded(network: Any, ranges: Ranges) -> Any:
    """Return the network without batch norms, as a Keras model that computes as in int8."""
    from keras import layers, ops

    def follow(name: str, values: Any) -> Any:
        least, most = ranges[name]
        scale = max(most - least, 1e-6) / _LEVELS
        low = round(least / scale) * scale

        def round_values(given: Any) -> Any:
            within = ops.clip(given, low, low + _LEVELS * scale)
            return _passed(ops.round((within - low) / scale) * scale + low, within)

        return layers.Lambda(round_values, name=f"rounded_{name}")(values)

    model = rebuilt(network, follow)
    for layer in model.layers:
        if isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)):
            _round_kernel(layer)
    return model


def _passed(rounded_values: Any, values: Any) -> Any:
    """Return the rounded values, with the gradient of the others."""
    from keras import ops

    return values + ops.stop_gradient(rounded_values - values)


def _round_kernel(layer: Any) -> None:
    """Let the layer compute with its kernel in steps of a 127th of each output's largest weight."""
    from keras import layers, ops

    kernel = layer.kernel
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    inputs = (0, 1) if depthwise else tuple(range(len(kernel.shape) - 1))

    def call(values: Any, **_training: Any) -> Any:
        largest = ops.max(ops.abs(kernel), axis=inputs, keepdims=True)
        step = ops.maximum(largest, 1e-8) / _LARGEST_WEIGHT
        steps = _passed(ops.round(kernel / step) * step, ops.convert_to_tensor(kernel))
        if isinstance(layer, layers.Dense):
            outputs = ops.matmul(values, steps)
        else:
            operation = ops.depthwise_conv if depthwise else ops.conv
            outputs = operation(values, steps, strides=layer.strides, padding=layer.padding)
        return outputs + layer.bias if layer.use_bias else outputs

    layer.call = call
