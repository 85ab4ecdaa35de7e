"""CenterFace, rebuilt in Keras from its published ONNX file and exported to LiteRT.

    python -m training.face_detector centerface.onnx --out inference_worker/detectors/centerface

Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point" (2019): a
MobileNetV2 with a feature pyramid, and for each 4x4 cell of the picture a score, a size, an offset
of the centre and five points. The published network reads BGR; moodline's frames are grey, so that
the three channels of the first kernel are summed into one. Batch norms are folded into the
convolution before them. A transposed convolution whose kernel is its stride is a 1x1 convolution
and a rearrangement, which lets LiteRT resize the input.
"""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
import onnx
import tensorflow as tf
from onnx import numpy_helper

Floats = npt.NDArray[np.float32]

OUTPUTS: Final = {"537": "score", "538": "size", "539": "offset", "540": "points"}
"""The names of the heads by their names in the published file."""


def build_network(path: Path) -> keras.Model:
    """Return the network: luma float32 [N, height, width, 1] of 0 to 255, sides multiples of 32.

    Outputs, each [N, height / 4, width / 4, channels]: score (1), size (2: log of height and width
    in cells), offset (2: y, x in cells), points (10: y, x of eyes, nose and mouth corners, as
    fractions of the box).
    """
    graph = onnx.load(str(path)).graph
    weights = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    picture = keras.Input((None, None, 1), name="luma")
    tensors: dict[str, Any] = {graph.input[0].name: picture}
    for node in graph.node:
        tensors[node.output[0]] = _LAYERS[node.op_type](node, tensors, weights)
    outputs = {name: tensors[number] for number, name in OUTPUTS.items()}
    return keras.Model(picture, outputs)


def export(network: keras.Model) -> bytes:
    """Return the network as a LiteRT file with float16 weights."""
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())


def _convolution(node: Any, tensors: Mapping[str, Any], weights: Mapping[str, Floats]) -> Any:
    values = _attributes(node)
    kernel, bias = weights[node.input[1]], weights[node.input[2]]
    source = tensors[node.input[0]]
    if kernel.shape[1] == 3 and values["group"] == 1 and source.shape[-1] == 1:
        kernel = kernel.sum(axis=1, keepdims=True)
    if values["pads"][0]:
        source = keras.layers.ZeroPadding2D(values["pads"][0])(source)
    stride = values["strides"][0]
    if values["group"] > 1:
        layer = keras.layers.DepthwiseConv2D(kernel.shape[2], stride)
        result = layer(source)
        layer.set_weights([kernel.transpose(2, 3, 0, 1), bias])
        return result
    layer = keras.layers.Conv2D(kernel.shape[0], kernel.shape[2], stride)
    result = layer(source)
    layer.set_weights([kernel.transpose(2, 3, 1, 0), bias])
    return result


def _transposed(node: Any, tensors: Mapping[str, Any], weights: Mapping[str, Floats]) -> Any:
    kernel = weights[node.input[1]]  # [inputs, outputs, 2, 2]
    inputs, outputs, size, _ = kernel.shape
    layer = keras.layers.Conv2D(size * size * outputs, 1)
    spread = layer(tensors[node.input[0]])
    flat = kernel.transpose(0, 2, 3, 1).reshape(1, 1, inputs, size * size * outputs)
    layer.set_weights([flat, np.zeros(size * size * outputs, np.float32)])
    return _DepthToSpace(size)(spread)


def _batch_norm(node: Any, tensors: Mapping[str, Any], weights: Mapping[str, Floats]) -> Any:
    gamma, beta, mean, variance = (weights[one] for one in node.input[1:])
    layer = keras.layers.BatchNormalization(epsilon=_attributes(node)["epsilon"])
    result = layer(tensors[node.input[0]])
    layer.set_weights([gamma, beta, mean, variance])
    return result


@keras.saving.register_keras_serializable("moodline")
class _DepthToSpace(keras.layers.Layer):  # type: ignore[misc]
    """Rearranges channels into squares of pixels."""

    def __init__(self, size: int, **options: Any) -> None:
        super().__init__(**options)
        self.size = size

    def call(self, inputs: Any) -> Any:
        return tf.nn.depth_to_space(inputs, self.size)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, height, width, channels = shape
        assert channels is not None
        grown = [None if side is None else side * self.size for side in (height, width)]
        return (batch, *grown, channels // self.size**2)


def _attributes(node: Any) -> dict[str, Any]:
    return {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}


_LAYERS: Final[Mapping[str, Callable[..., Any]]] = {
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "BatchNormalization": _batch_norm,
    "Relu": lambda node, tensors, _: keras.layers.ReLU()(tensors[node.input[0]]),
    "Add": lambda node, tensors, _: keras.layers.Add()([tensors[one] for one in node.input]),
    "Sigmoid": lambda node, tensors, _: keras.layers.Activation("sigmoid")(tensors[node.input[0]]),
}


def main() -> None:
    """Read the ONNX file and write model.tflite."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("onnx", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    model = export(build_network(arguments.onnx))
    (arguments.out / "model.tflite").write_bytes(model)
    print(f"wrote {arguments.out / 'model.tflite'}, {len(model):,} bytes")


if __name__ == "__main__":
    main()
