"""Recovery of a trainable Keras network from a float LiteRT artifact.

Export folds each batch norm into the kernel and bias before it. A recovered batch norm gets the
statistics that faces have at its input, and the scale and shift that cancel them: the network's
output stays the same, and it can be trained.

The scale of a kernel does not matter before a batch norm, but it does to the optimizer: Adam's
steps have the same size for a small kernel. Each kernel is therefore scaled to the size of a newly
initialised one; otherwise the first epoch destroys the smallest.
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
class FoldedLayer:
    """A layer with its batch norm folded in. kernel: in Keras' layout. bias: [outputs]."""

    kernel: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class FoldedNetwork:
    """The backbone's convolutions in the graph's order, and the heads by name."""

    convolutions: tuple[FoldedLayer, ...]
    heads: Mapping[str, FoldedLayer]


def read_folded_network(path: Path) -> FoldedNetwork:
    """Read the layers of a float .tflite file; float16 weights become float32.

    Raises RecoveryError if the weights are integers.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    with quiet_stderr():
        # Without delegates: XNNPACK would replace the layers by a single op.
        plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = Interpreter(str(path), experimental_op_resolver_type=plain)
        interpreter.allocate_tensors()
        outputs = interpreter.get_signature_runner().get_output_details()
    names = {details["index"]: name for name, details in outputs.items()}
    # LiteRT has no public list of a graph's layers, only of its tensors.
    ops = interpreter._get_ops_details()
    # An op converts float16 weights to float32 for their layer.
    source_of = {op["outputs"][0]: op["inputs"][0] for op in ops if op["op_name"] == "DEQUANTIZE"}

    def weights(index: int) -> Floats:
        values = interpreter.get_tensor(source_of.get(index, index))
        if not np.issubdtype(values.dtype, np.floating):
            raise RecoveryError(
                f"{path} has {values.dtype} weights",
                hint="Use the float artifact of the same model",
            )
        return np.asarray(values, dtype=np.float32)

    convolutions, heads = [], {}
    for op in ops:
        if op["op_name"] in _CONVOLUTIONS:
            _, kernel, bias = op["inputs"]
            # LiteRT's layout is [out, h, w, in], or [1, h, w, channels] if depthwise.
            convolutions.append(FoldedLayer(weights(kernel).transpose(1, 2, 3, 0), weights(bias)))
        elif op["op_name"] == "FULLY_CONNECTED" and op["outputs"][0] in names:
            _, kernel, bias = op["inputs"]
            heads[names[op["outputs"][0]]] = FoldedLayer(weights(kernel).T, weights(bias))
    # The first convolution is the luma, which is fixed.
    return FoldedNetwork(tuple(convolutions[1:]), heads)


def recover_network(folder: Path) -> Any:
    """Return a Keras model with the same output as the float artifact in `folder`.

    Its batch norms have mean 0 and variance 1: call `reset_batch_norms` before training. Raises
    RecoveryError if the artifact has other layers, ModelError if its card is not valid.
    """
    card = ModelCard.read(folder)
    if card.looks:
        raise RecoveryError(f"{folder} has several networks: name the folder of one of them")
    shape = ModelShape(**card.training["config"]["model"])
    network = read_folded_network(folder / WEIGHTS_NAME)
    model = build_model(shape, pretrained=False)
    pairs = convolutions_of(backbone_of(model))
    if shape.dense or len(pairs) != len(network.convolutions) or set(network.heads) != set(HEADS):
        raise RecoveryError(f"{folder} does not have the layers of a MobileNetV2 with two heads")
    for (convolution, norm), folded in zip(pairs, network.convolutions, strict=True):
        scale = _relative_scale(folded.kernel)
        convolution.set_weights([folded.kernel / scale.reshape(_output_shape(folded.kernel))])
        zeros, ones = np.zeros_like(folded.bias), np.ones_like(folded.bias)
        norm.set_weights([scale * np.sqrt(ones + norm.epsilon), folded.bias, zeros, ones])
    for head, folded in network.heads.items():
        model.get_layer(head).set_weights([folded.kernel, folded.bias])
    return model


def reset_batch_norms(model: Any, faces: npt.NDArray[np.uint8]) -> None:
    """Set each batch norm's mean and variance to those of these faces; the output stays the same.

    faces: uint8 [n, 48, 48, 3]. In training, a batch norm uses the statistics of its batch. If its
    stored statistics differ much, because they were folded or come from another image size, the
    first training step would start from another function.
    """
    norms = [norm for _, norm in convolutions_of(backbone_of(model))]
    moments = _moments_model(model, norms).predict(faces, batch_size=_BATCH, verbose=0)
    for norm, means, squares in zip(norms, moments[::2], moments[1::2], strict=True):
        gamma, beta, old_mean, old_variance = norm.get_weights()
        scale = gamma / np.sqrt(old_variance + norm.epsilon)
        mean = means.mean(axis=0, dtype=np.float64)
        variance = np.maximum(squares.mean(axis=0, dtype=np.float64) - mean**2, 0.0)
        gamma = scale * np.sqrt(variance + norm.epsilon)
        norm.set_weights([gamma, beta + (mean - old_mean) * scale, mean, variance])


def _output_shape(kernel: Floats) -> tuple[int, ...]:
    """Return the shape that broadcasts one number per output over the kernel."""
    # A depthwise kernel is [h, w, channels, 1].
    return (-1, 1) if kernel.shape[-1] == 1 else (-1,)


def _relative_scale(kernel: Floats) -> Floats:
    """Return each output's root mean square, divided by that of He initialisation (2015)."""
    depthwise = kernel.shape[-1] == 1
    inputs = (0, 1) if depthwise else (0, 1, 2)
    rms = np.sqrt(np.mean(np.square(kernel), axis=inputs)).ravel()
    he_rms = np.sqrt(2.0 / np.prod([kernel.shape[axis] for axis in inputs]))
    # An output that died in training has a kernel of zeros.
    return np.asarray(np.where(rms > 0, rms / he_rms, 1.0), np.float32)


def backbone_of(model: Any) -> Any:
    """Return the MobileNetV2 within a network of training.model.build_model."""
    import keras

    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def convolutions_of(backbone: Any) -> list[tuple[Any, Any]]:
    """Return the backbone's convolutions, each with the batch norm after it, in graph order."""
    from keras import layers

    # In Keras, DepthwiseConv2D is not a subclass of Conv2D.
    kinds = (layers.Conv2D, layers.DepthwiseConv2D)
    convolutions = [layer for layer in backbone.layers if isinstance(layer, kinds)]
    norms = [layer for layer in backbone.layers if isinstance(layer, layers.BatchNormalization)]
    return list(zip(convolutions, norms, strict=True))


def _moments_model(model: Any, norms: list[Any]) -> Any:
    """Return a model from faces to the mean and mean square [n, channels] at each norm's input."""
    import keras
    from keras import ops

    backbone = backbone_of(model)
    inputs = [norm.input for norm in norms]
    moments = [
        ops.mean(values, axis=(1, 2))
        for tensor in inputs
        for values in (tensor, ops.square(tensor))
    ]
    backbone_moments = keras.Model(backbone.input, moments)
    pixels = model.input
    for layer in model.layers[1 : model.layers.index(backbone)]:
        pixels = layer(pixels)
    return keras.Model(model.input, backbone_moments(pixels, training=False))
