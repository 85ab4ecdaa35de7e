"""Small LiteRT classifiers of any crop size, made without TensorFlow."""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from contracts.expressions import EXPRESSIONS
from contracts.model_card import CARD_NAME, WEIGHTS_NAME
from inference_worker.faces.model_choice import shipped_models

FLOAT_MODEL: Final = shipped_models()["mobilenetv2-4"]
"""The shipped model of one network in float."""

_INPUT, _FLOATS, _FLAT, _WEIGHTS, _BIAS, _SHAPE, _LOGITS = range(7)
_BATCH: Final = -1


def write_small_model(folder: Path, side: int) -> Path:
    """Write a model of crops of this side, and its card; return the folder.

    Its logits are weighted sums of the crop's pixels, so that it reads each crop in another way.
    """
    folder.mkdir(parents=True)
    content = _small_model(side)
    (folder / WEIGHTS_NAME).write_bytes(content)
    card = json.loads((FLOAT_MODEL / CARD_NAME).read_text())
    card |= {"id": folder.name, "input_shape": [side, side, 3]}
    card |= {"sha256": hashlib.sha256(content).hexdigest(), "uncertain_below": 0.0}
    (folder / CARD_NAME).write_text(json.dumps(card))
    return folder


def _small_model(side: int) -> bytes:
    """Return a file with the signature faces uint8 [n, side, side, 3] -> ferplus float32 [n, 7]."""
    pixels = side * side * 3
    rng = np.random.default_rng(side)
    constants = {
        _WEIGHTS: rng.normal(0, 1 / pixels, (len(EXPRESSIONS), pixels)).astype(np.float32),
        _BIAS: np.zeros(len(EXPRESSIONS), np.float32),
        _SHAPE: np.array([_BATCH, pixels], np.int32),
    }
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT() for _ in range(7)]
    for index, values in constants.items():
        model.buffers[index].data = np.frombuffer(values.tobytes(), np.uint8)
    types = schema.TensorType
    graph = schema.SubGraphT()
    graph.tensors = [
        _tensor(_INPUT, "faces", types.UINT8, (_BATCH, side, side, 3)),
        _tensor(_FLOATS, "floats", types.FLOAT32, (_BATCH, side, side, 3)),
        _tensor(_FLAT, "flat", types.FLOAT32, (_BATCH, pixels)),
        _tensor(_WEIGHTS, "weights", types.FLOAT32, (len(EXPRESSIONS), pixels)),
        _tensor(_BIAS, "bias", types.FLOAT32, (len(EXPRESSIONS),)),
        _tensor(_SHAPE, "shape", types.INT32, (2,)),
        _tensor(_LOGITS, "ferplus", types.FLOAT32, (_BATCH, len(EXPRESSIONS))),
    ]
    graph.inputs, graph.outputs = [_INPUT], [_LOGITS]
    operators = schema.BuiltinOperator
    graph.operators = [
        _operator(0, [_INPUT], _FLOATS),
        _operator(1, [_FLOATS, _SHAPE], _FLAT),
        _operator(2, [_FLAT, _WEIGHTS, _BIAS], _LOGITS, schema.FullyConnectedOptionsT()),
    ]
    model.operatorCodes = [
        _code(one) for one in (operators.CAST, operators.RESHAPE, operators.FULLY_CONNECTED)
    ]
    model.subgraphs, model.signatureDefs = [graph], [_signature()]
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(buffer: int, name: str, kind: int, shape: tuple[int, ...]) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.type, tensor.buffer = name.encode(), kind, buffer
    tensor.shape = [max(size, 1) for size in shape]
    if _BATCH in shape:
        tensor.shapeSignature = list(shape)
    return tensor


def _code(builtin: int) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    return code


def _operator(code: int, inputs: list[int], output: int, options: Any = None) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, inputs, [output]
    if options is not None:
        operator.builtinOptions = options
        operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    return operator


def _signature() -> Any:
    signature = schema.SignatureDefT()
    signature.signatureKey = b"serving_default"
    signature.inputs = [_named("faces", _INPUT)]
    signature.outputs = [_named("ferplus", _LOGITS)]
    return signature


def _named(name: str, tensor: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), tensor
    return entry
