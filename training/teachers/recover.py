"""Weights to go on from, taken back out of an artifact: a LiteRT file keeps them, folded.

Export folds each batch norm into the kernel and bias before it. Taken back, a batch norm gets the
statistics that faces really have there, and the scale and shift that undo them, so that it begins
as what it was for inference and is ready to be trained. How large a kernel is does not matter
before a batch norm, but to an optimizer it does: Adam's steps are as large for a small kernel.
Each begins as large as the kernels of a new network, or a first epoch undoes the smallest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.errors import RecoveryError
from contracts.model_card import WEIGHTS_NAME, ModelCard
from runtime.logs import quiet_stderr
from training.config import ModelShape
from training.model import HEADS, build_model

Floats = npt.NDArray[np.float32]

_CONVOLUTIONS: Final = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D"})
_BATCH: Final = 64


@dataclass(frozen=True, slots=True)
class Folded:
    """A layer as LiteRT computes it: the kernel as Keras lays it out, the bias [outputs]."""

    kernel: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class FoldedNetwork:
    """The backbone's convolutions in the order of the graph, and the heads by name."""

    convolutions: tuple[Folded, ...]
    heads: Mapping[str, Folded]


def read_folded(path: Path) -> FoldedNetwork:
    """The layers of a float .tflite; float16 weights come as float32."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    with quiet_stderr():
        # Without delegates: XNNPACK replaces the layers by a single op of its own.
        plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = Interpreter(str(path), experimental_op_resolver_type=plain)
        interpreter.allocate_tensors()
        outputs = interpreter.get_signature_runner().get_output_details()
    names = {details["index"]: name for name, details in outputs.items()}
    # The one list of a graph's layers that LiteRT has; public calls only know its tensors.
    ops = interpreter._get_ops_details()
    # float16 weights reach their layer through an op that makes them float32.
    stored = {op["outputs"][0]: op["inputs"][0] for op in ops if op["op_name"] == "DEQUANTIZE"}

    def weights(index: int) -> Floats:
        values = interpreter.get_tensor(stored.get(index, index))
        if not np.issubdtype(values.dtype, np.floating):
            raise RecoveryError(
                f"{path} keeps its weights as {values.dtype}",
                hint="Start from the float artifact of the same model",
            )
        return np.asarray(values, dtype=np.float32)

    convolutions, heads = [], {}
    for op in ops:
        if op["op_name"] in _CONVOLUTIONS:
            _, kernel, bias = op["inputs"]
            # LiteRT has [out, h, w, in], and [1, h, w, channels] for a depthwise one.
            convolutions.append(Folded(weights(kernel).transpose(1, 2, 3, 0), weights(bias)))
        elif op["op_name"] == "FULLY_CONNECTED" and op["outputs"][0] in names:
            _, kernel, bias = op["inputs"]
            heads[names[op["outputs"][0]]] = Folded(weights(kernel).T, weights(bias))
    # The first is the luma, which every network has the same.
    return FoldedNetwork(tuple(convolutions[1:]), heads)


def recovered(folder: Path) -> Any:
    """The Keras model that answers as the float artifact in `folder` does.

    Its batch norms have mean 0 and variance 1: `settle` before it is trained.
    """
    shape = ModelShape(**ModelCard.read(folder).training["config"]["model"])
    network = read_folded(folder / WEIGHTS_NAME)
    model = build_model(shape, pretrained=False)
    pairs = _convolutions(model)
    if shape.dense or len(pairs) != len(network.convolutions) or set(network.heads) != set(HEADS):
        raise RecoveryError(f"{folder} has other layers than a MobileNetV2 with two heads")
    for (convolution, norm), folded in zip(pairs, network.convolutions, strict=True):
        size = _size_of(folded.kernel)
        convolution.set_weights([folded.kernel / size.reshape(_channels_of(folded.kernel))])
        zeros, ones = np.zeros_like(folded.bias), np.ones_like(folded.bias)
        norm.set_weights([size * np.sqrt(ones + norm.epsilon), folded.bias, zeros, ones])
    for head, folded in network.heads.items():
        model.get_layer(head).set_weights([folded.kernel, folded.bias])
    return model


def settle(model: Any, faces: npt.NDArray[np.uint8]) -> None:
    """Give each batch norm the mean and variance of these faces; the answers stay the same.

    In training a batch norm takes a batch's own statistics: where those it keeps are far from
    them, because they were folded or are of another picture size, the first step already begins
    at another function.
    """
    norms = [norm for _, norm in _convolutions(model)]
    measured = _moments(model, norms).predict(faces, batch_size=_BATCH, verbose=0)
    for norm, means, squares in zip(norms, measured[::2], measured[1::2], strict=True):
        gamma, beta, old_mean, old_variance = norm.get_weights()
        scale = gamma / np.sqrt(old_variance + norm.epsilon)
        mean = means.mean(axis=0, dtype=np.float64)
        variance = np.maximum(squares.mean(axis=0, dtype=np.float64) - mean**2, 0.0)
        gamma = scale * np.sqrt(variance + norm.epsilon)
        norm.set_weights([gamma, beta + (mean - old_mean) * scale, mean, variance])


def _channels_of(kernel: Floats) -> tuple[int, ...]:
    """A shape that lays one number an output along the kernel's outputs."""
    # A depthwise kernel is [h, w, channels, 1].
    return (-1, 1) if kernel.shape[-1] == 1 else (-1,)


def _size_of(kernel: Floats) -> Floats:
    """Of each output's kernel, in the root mean squares that He et al. 2015 begin with."""
    depthwise = kernel.shape[-1] == 1
    inputs = (0, 1) if depthwise else (0, 1, 2)
    flat = np.sqrt(np.mean(np.square(kernel), axis=inputs)).ravel()
    begin = np.sqrt(2.0 / np.prod([kernel.shape[axis] for axis in inputs]))
    # An output that was lost in training has a kernel of nothing.
    return np.asarray(np.where(flat > 0, flat / begin, 1.0), np.float32)


def _backbone(model: Any) -> Any:
    import keras

    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def _convolutions(model: Any) -> list[tuple[Any, Any]]:
    """The backbone's convolutions, each with the batch norm behind it, in the graph's order."""
    from keras import layers

    # A DepthwiseConv2D is no Conv2D in Keras.
    kinds = (layers.Conv2D, layers.DepthwiseConv2D)
    found = _backbone(model).layers
    convolutions = [layer for layer in found if isinstance(layer, kinds)]
    norms = [layer for layer in found if isinstance(layer, layers.BatchNormalization)]
    return list(zip(convolutions, norms, strict=True))


def _moments(model: Any, norms: list[Any]) -> Any:
    """A model of faces to what enters each batch norm: mean and mean square, [n, channels] each."""
    import keras
    from keras import ops

    backbone = _backbone(model)
    entering = [norm.input for norm in norms]
    moments = [
        ops.mean(values, axis=(1, 2))
        for tensor in entering
        for values in (tensor, ops.square(tensor))
    ]
    probe = keras.Model(backbone.input, moments)
    pixels = model.input
    for layer in model.layers[1 : model.layers.index(backbone)]:
        pixels = layer(pixels)
    return keras.Model(model.input, probe(pixels, training=False))
