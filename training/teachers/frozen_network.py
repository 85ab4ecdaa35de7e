"""Features of faces from any published LiteRT network, described by a small TOML file.

    file = "hse_mobilenet_7.tflite"     # beside the description, or in the folder of --weights
    sha256 = "5a7c..."
    side = 224                          # pixels of its input
    channels = "bgr"                    # or "rgb"
    mean = [103.939, 116.779, 123.68]   # subtracted from the pixels, in the order of channels
    scale = 1.0                         # then multiplied

    [[features]]
    tensor = "model_2_1/conv_pw_11_relu"            # the start of a tensor's name
    grid = 2                                        # the means of 2x2 fields; 1: of the whole

The network stays as it was published; a small one on top learns (training.face_teacher). No part
of it is in a model of this project.
"""

import hashlib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.errors import FaceWeightsError
from runtime.decoding.opencv import cv2
from runtime.files.regular_files import read_regular
from runtime.logs import quiet_stderr

Floats = npt.NDArray[np.float32]
Colour = Annotated[list[float], Field(min_length=3, max_length=3)]

_BATCH: Final = 8
"""Faces of one call: more would leave the cache, fewer cost calls."""


class FeatureLayer(BaseModel):
    """A tensor whose means are features. tensor: the start of its name. grid: fields a side."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tensor: str
    grid: int = Field(default=1, ge=1, le=8)


class Description(BaseModel):
    """A network's input and the tensors that are its features; fields as in the module's text.

    Raises ValidationError for unknown or missing fields.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    sha256: str
    side: int = Field(ge=16, le=512)
    channels: Literal["rgb", "bgr"]
    mean: Colour
    scale: float = 1.0
    features: list[FeatureLayer] = Field(min_length=1)


class FrozenNetwork:
    """A LiteRT network on one thread, which returns features of grey faces.

    weights: the folder of its file, if that is not beside the description. digest: of the
    description. Raises FaceWeightsError if the description or the network is not as expected.
    """

    def __init__(self, description: Path, weights: Path | None = None) -> None:
        self.description = read_description(description)
        path = (weights or description.parent) / self.description.file
        try:
            data = read_regular(path)
        except OSError as exc:
            raise FaceWeightsError(f"{path} cannot be read: {exc}") from exc
        digest = hashlib.sha256(data).hexdigest()
        if digest != self.description.sha256:
            raise FaceWeightsError(
                f"{path} has other weights than expected (sha256 {digest})",
                hint=f"Use the file that {description.name} names, or correct its sha256",
            )
        self.digest = hashlib.sha256(read_regular(description)).hexdigest()
        self._open(data, path)

    def features(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        """Return features [n, width] of grey faces uint8 [n, any side, the same side]."""
        parts = [self._call(images[i : i + _BATCH]) for i in range(0, len(images), _BATCH)]
        return np.concatenate(parts)

    def pixels(self, images: npt.NDArray[np.uint8]) -> Floats:
        """Return the network's input, [n, side, side, 3], of grey faces."""
        side = self.description.side
        large = [cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC) for image in images]
        grey = np.stack(large).astype(np.float32)[..., None]
        return (grey - np.array(self.description.mean, np.float32)) * self.description.scale

    def _open(self, data: bytes, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        layers = self.description.features
        try:
            with quiet_stderr():
                self._tensors = [_tensor(data, layer.tensor) for layer in layers]
                content = with_outputs(data, self._tensors)
                self._interpreter: Any = Interpreter(model_content=content, num_threads=1)
                (source,) = self._interpreter.get_input_details()
                self._input, self._dtype = source["index"], source["dtype"]
                self._allocate(1)
        except (ValueError, RuntimeError, KeyError) as exc:
            raise FaceWeightsError(f"{path} cannot be used: {exc}") from exc

    def _allocate(self, faces: int) -> None:
        side = self.description.side
        self._interpreter.resize_tensor_input(self._input, [faces, side, side, 3])
        self._interpreter.allocate_tensors()
        self._faces = faces

    def _call(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        if len(images) != self._faces:
            self._allocate(len(images))
        self._interpreter.set_tensor(self._input, self.pixels(images).astype(self._dtype))
        self._interpreter.invoke()
        parts = [
            field_means(self._interpreter.get_tensor(index), layer.grid)
            for index, layer in zip(self._tensors, self.description.features, strict=True)
        ]
        return np.concatenate(parts, axis=1).astype(np.float16)


def read_description(path: Path) -> Description:
    """Read a network's TOML description. Raises FaceWeightsError."""
    try:
        return Description.model_validate(tomllib.loads(read_regular(path).decode()))
    except (OSError, ValueError, ValidationError) as exc:
        raise FaceWeightsError(f"{path} does not describe a network: {exc}") from exc


def field_means(values: Floats, grid: int) -> Floats:
    """Return the means [n, grid * grid * channels] over the fields of [n, height, width, channels].

    Fields share a row or a column where the side is no multiple of grid. Values [n, channels]
    have no fields and are returned as they are.
    """
    if values.ndim == 2:
        return values
    slices = [_fields(side, grid) for side in values.shape[1:3]]
    means = [
        values[:, rows, columns].mean(axis=(1, 2)) for rows in slices[0] for columns in slices[1]
    ]
    return np.concatenate(means, axis=1)


def _fields(side: int, grid: int) -> Sequence[slice]:
    return [slice(side * i // grid, -(-side * (i + 1) // grid)) for i in range(grid)]


def _tensor(data: bytes, name: str) -> int:
    """Return the index of the only computed tensor whose name starts so. Raises KeyError."""
    from ai_edge_litert import schema_py_generated as schema

    graph = schema.ModelT.InitFromPackedBuf(data, 0).subgraphs[0]
    computed = {index for operator in graph.operators for index in operator.outputs}
    found = [i for i in sorted(computed) if graph.tensors[i].name.decode().startswith(name)]
    if len(found) != 1:
        names = ", ".join(graph.tensors[i].name.decode() for i in sorted(computed))
        raise KeyError(f"{len(found)} tensors start with {name!r}; it has: {names}")
    return int(found[0])


def with_outputs(data: bytes, tensors: Sequence[int]) -> bytes:
    """Return a LiteRT file that also gives these tensors out; otherwise they would be reused."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    graph.outputs = [*graph.outputs, *(i for i in tensors if i not in graph.outputs)]
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
