"""The network, in Keras 3 on any backend: uint8 faces in, two heads with seven logits out."""

import functools
from pathlib import Path
from typing import Any

from contracts.errors import TrainingRunError
from contracts.expressions import EXPRESSIONS
from training.config import SIDE, ModelShape

HEADS = ("fer2013", "ferplus")
"""The outputs, in order: the label of the FER2013 challenge, and the FER+ votes."""

LUMA = (0.299, 0.587, 0.114)
"""Rec. 601 weights, so that colour crops become the grey that the network was trained on."""


def build_model(
    shape: ModelShape, imagenet: Path | None = None, *, pretrained: bool = True, side: int = SIDE
) -> Any:
    """Return a Keras model from uint8 [n, side, side, 3] to logits [n, 7] of each of HEADS.

    MobileNetV2 (Sandler et al. 2018). imagenet: a weights file without the top; by default Keras
    downloads one. pretrained: False starts from noise, for weights that are loaded afterwards.
    """
    import keras
    from keras import layers

    backbone = keras.applications.MobileNetV2(
        input_shape=(shape.seen_as, shape.seen_as, 3),
        alpha=shape.alpha,
        include_top=False,
        weights="imagenet" if pretrained and not imagenet else None,
        pooling="avg",
    )
    if imagenet:
        backbone.load_weights(str(imagenet))
    faces = keras.Input((side, side, 3), dtype="uint8", name="faces")
    scaled = layers.Rescaling(1.0 / 127.5, -1.0, name="scale")(faces)
    # A fixed 1x1 convolution computes the luma in the three channels that ImageNet weights expect.
    grey = layers.Conv2D(3, 1, use_bias=False, trainable=False, name="luma")
    scaled = grey(scaled)
    grey.set_weights([_luma_kernel()])
    if shape.seen_as != side:
        scaled = layers.Resizing(shape.seen_as, shape.seen_as, interpolation="bilinear")(scaled)
    backbone.trainable = not shape.frozen
    if shape.learns_from:
        _freeze_before(backbone, shape.learns_from)
    # A frozen backbone keeps ImageNet's batch statistics too.
    features = backbone(scaled, training=False) if shape.frozen else backbone(scaled)
    if shape.dense:
        features = layers.Dense(shape.dense, activation="relu")(features)
    features = layers.Dropout(shape.dropout)(features)
    outputs = [layers.Dense(len(EXPRESSIONS), name=head)(features) for head in HEADS]
    return keras.Model(faces, outputs)


def with_features(model: Any, width: int) -> Any:
    """Return the model with a third output [n, width], linear in the features before the heads."""
    import keras

    pooled = next(layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)).input
    seen = keras.layers.Dense(width, name="features")(pooled)
    return keras.Model(model.inputs, [*model.outputs, seen])


def fuse_batch_norms(model: Any) -> None:
    """Let the model's batch norms compute in one pass over their input, on TensorFlow.

    Keras takes several: a training step then takes 1.6 times as long. Other backends are left.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.call = functools.partial(_fused_batch_norm, layer)


def _fused_batch_norm(layer: Any, inputs: Any, training: bool = False, **_mask: Any) -> Any:
    """Return what a batch norm layer does; in training, its moving statistics follow the batch's.

    Their variance is that of a sample, n - 1, as in Keras 2 and PyTorch.
    """
    from tensorflow.compat.v1.nn import fused_batch_norm

    learns = bool(training) and layer.trainable
    moving = () if learns else (layer.moving_mean.value, layer.moving_variance.value)
    outputs, mean, variance = fused_batch_norm(
        inputs,
        layer.gamma.value,
        layer.beta.value,
        *moving,
        epsilon=layer.epsilon,
        is_training=learns,
    )
    if learns:
        kept = layer.momentum
        layer.moving_mean.assign(layer.moving_mean * kept + mean * (1.0 - kept))
        layer.moving_variance.assign(layer.moving_variance * kept + variance * (1.0 - kept))
    return outputs


def _freeze_before(backbone: Any, name: str) -> None:
    """Keep the weights and the batch statistics of all layers before the one of this name."""
    names = [layer.name for layer in backbone.layers]
    if name not in names:
        raise TrainingRunError(
            f"{backbone.name} has no layer {name!r}", hint=f"Layers: {', '.join(names)}"
        )
    for layer in backbone.layers[: names.index(name)]:
        layer.trainable = False


def _luma_kernel() -> Any:
    import numpy as np

    return np.repeat(np.array(LUMA, dtype=np.float32).reshape(1, 1, 3, 1), 3, axis=3)
